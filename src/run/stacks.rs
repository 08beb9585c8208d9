//! Call stacks as a tree: stacks that share their outer frames share them in memory.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A frame of the tree, and with it the stack from this frame outwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StackId(u32);

impl StackId {
    /// The place of its innermost frame among all.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Stacks of frames `F`. A stack is named by its innermost frame; each frame knows the one that called it.
///
/// A million stacks cost what their distinct frames cost.
#[derive(Debug, Clone)]
pub struct Stacks<F> {
    nodes: Vec<Node<F>>,
    /// By the hashes of their nodes.
    index: HashTable<StackId>,
    hasher: DefaultHashBuilder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Node<F> {
    frame: F,
    /// `None` for the outermost frame.
    caller: Option<StackId>,
}

impl<F> Default for Stacks<F> {
    fn default() -> Self {
        Stacks {
            nodes: Vec::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl<F: Copy + Eq + std::hash::Hash> Stacks<F> {
    /// The stack of a frame that was called by `caller`.
    pub(crate) fn add(&mut self, frame: F, caller: Option<StackId>) -> StackId {
        let node = Node { frame, caller };
        let (nodes, hasher) = (&mut self.nodes, &self.hasher);
        let hash = hasher.hash_one(node);
        let is_it = |id: &StackId| nodes[id.0 as usize] == node;
        if let Some(known) = self.index.find(hash, is_it) {
            return *known;
        }
        let id = StackId(nodes.len() as u32);
        nodes.push(node);
        let rehash = |id: &StackId| hasher.hash_one(nodes[id.0 as usize]);
        self.index.insert_unique(hash, id, rehash);
        id
    }

    /// The frames of a stack, innermost first.
    pub fn frames(&self, stack: StackId) -> impl Iterator<Item = F> + '_ {
        let node = |id: StackId| self.nodes.get(id.0 as usize);
        std::iter::successors(node(stack), move |at| node(at.caller?)).map(|node| node.frame)
    }

    /// The frames of a stack, innermost first, each with the stack that it is the innermost of.
    pub fn walk(&self, stack: StackId) -> impl Iterator<Item = (StackId, F)> + '_ {
        let node = |id: StackId| self.nodes.get(id.index());
        let ids = std::iter::successors(Some(stack), move |id| node(*id)?.caller);
        ids.filter_map(move |id| Some((id, node(id)?.frame)))
    }

    /// All frames, in the order of their numbers, each with its caller, which stands before it.
    pub fn iter(&self) -> impl Iterator<Item = (F, Option<StackId>)> + '_ {
        self.nodes.iter().map(|node| (node.frame, node.caller))
    }

    /// The innermost frame of a stack.
    pub fn innermost(&self, stack: StackId) -> F {
        self.nodes[stack.0 as usize].frame
    }

    /// How many distinct frames there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_share_their_outer_frames() {
        let mut stacks = Stacks::default();
        let main = stacks.add("main", None);
        let open = stacks.add("open", Some(main));
        let malloc = stacks.add("xmalloc", Some(open));
        let other = stacks.add("xmalloc", Some(main));
        assert_eq!(
            stacks.frames(malloc).collect::<Vec<_>>(),
            ["xmalloc", "open", "main"]
        );
        assert_eq!(
            stacks.frames(other).collect::<Vec<_>>(),
            ["xmalloc", "main"]
        );
        assert_eq!(stacks.add("open", Some(main)), open);
        assert_eq!(stacks.innermost(malloc), "xmalloc");
        assert_eq!(stacks.len(), 4);
    }
}
