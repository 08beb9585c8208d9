//! What a recording comes to: figures per stack, modules, and what the process was.

use super::blocks::Damage;
use super::header::Header;
use super::programs::Programs;
use crate::trace::{Block, Curve, Fault, LiveSizes, Lives, SizesSeen, Tally};

/// Where a stack ends on its outer side.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// At the frame that has no caller.
    Whole,
    /// The caller of the outermost frame could not be found.
    Cut,
    /// There are more frames than were asked for.
    Depth,
    /// Only the immediate caller was recorded.
    Caller,
    /// What led there was lost with a damaged block.
    Lost,
}

/// A frame in the tree of stacks: with its parents it is a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StackNode {
    /// Below [`Recording::ROOTS`] it is one of the roots.
    pub parent: u32,
    /// The return address.
    pub pc: u64,
    /// What was loaded there when the frame was recorded.
    pub module: Option<u32>,
}

/// A file that was mapped with code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LoadedModule {
    pub start: u64,
    pub size: u64,
    /// What is to be taken from an address to get the link-time address.
    pub bias: u64,
    pub build_id: Vec<u8>,
    /// Empty for code that has no file.
    pub path: Vec<u8>,
}

/// What was allocated with one stack.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StackCounts {
    pub node: u32,
    pub allocations: u64,
    pub live: Tally,
    /// What was asked for; nothing in a summary.
    pub sizes: SizesSeen,
    /// `None` of a summary that was counted too seldom to tell.
    pub curve: Option<Curve>,
    /// How many of the blocks that lived to the end were there at each step; `None` in a summary.
    pub survivors: Option<Curve>,
    /// How long the others lived; `None` in a summary.
    pub lives: Option<Lives>,
    /// Of what is live; `None` in a summary, which has no blocks.
    pub live_sizes: Option<LiveSizes>,
}

/// How a recording ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProcessEnd {
    /// The program called `exit`, or returned from `main`.
    Exit,
    /// It was killed, or left by `_exit`: nothing is missing but what it did behind the last event.
    WithoutExit,
}

/// A recording, replayed.
#[derive(Debug)]
pub(crate) struct Recording {
    pub header: Header,
    pub facts: Vec<(String, Vec<u8>)>,
    pub programs: Programs,
    pub modules: Vec<LoadedModule>,
    pub nodes: Vec<StackNode>,
    /// In the order in which they first allocated.
    pub stacks: Vec<StackCounts>,
    /// By node.
    pub faults: Vec<Fault<u32>>,
    /// Frees of addresses that held no block: it is older than the process, or its allocation was lost.
    pub unknown_frees: u64,
    pub events: u64,
    /// When the last event was, in microseconds since the start.
    pub end_us: u64,
    pub ended: ProcessEnd,
    /// A summary whose program ended without its last counts being anywhere.
    pub lacks_last_counts: bool,
    pub threads: usize,
    pub damage: Damage,
    /// Live blocks by address, where they were asked for; [`CallerId`] is the index in `stacks`.
    pub blocks: Vec<(u64, Block)>,
}

impl Recording {
    pub(crate) const ROOTS: u32 = 4;

    /// What a fact says, as text.
    pub(crate) fn fact(&self, key: &str) -> Option<String> {
        let (_, value) = self.facts.iter().find(|(known, _)| known == key)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// The nodes of a stack, innermost first, and how it ends.
    #[cfg(test)]
    pub(crate) fn frames(&self, node: u32) -> (Vec<u32>, Root) {
        let mut frames = Vec::new();
        let mut at = node;
        while at >= Recording::ROOTS {
            match self.nodes.get(at as usize) {
                // A parent is always older, so this comes to an end.
                Some(known) if known.parent < at => {
                    frames.push(at);
                    at = known.parent;
                }
                _ => return (frames, Root::Lost),
            }
        }
        let root = match at {
            0 => Root::Whole,
            1 => Root::Cut,
            2 => Root::Depth,
            _ => Root::Caller,
        };
        (frames, root)
    }
}
