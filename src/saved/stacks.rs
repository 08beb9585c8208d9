//! Call stacks in a saved report.
//!
//! `places` has each place once. `frames` has a line a frame, of a place and of the frame that called it, which stands
//! before it; a caller names its innermost frame. A caller with one frame is a place itself.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::checks::Checked;
use super::place::SavedPlace;
use crate::run::{CallSite, LocationId, Run, RunBuilder, StackId};

/// No recorder walks further.
const DEEPEST: usize = 4096;

/// The index of a place, and of the frame that called it.
pub(super) type SavedStackFrame = (usize, Option<usize>);

#[derive(Serialize, Deserialize, Default)]
pub(super) struct SavedStacks {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<SavedPlace>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<SavedStackFrame>,
}

/// The frames that are written so far.
#[derive(Default)]
pub(super) struct StackWriter {
    pub places: Vec<LocationId>,
    pub frames: Vec<SavedStackFrame>,
    of_places: HashMap<LocationId, usize>,
    of_frames: HashMap<SavedStackFrame, usize>,
}

impl StackWriter {
    /// The index of the innermost frame of a call site; `None` where it has one frame alone.
    pub(super) fn add(&mut self, run: &Run, site: &CallSite) -> Option<usize> {
        let frames: Vec<LocationId> = run.frames(site).collect();
        if frames.len() < 2 {
            return None;
        }
        let mut caller = None;
        for at in frames.into_iter().rev() {
            let place = *self.of_places.entry(at).or_insert_with(|| {
                self.places.push(at);
                self.places.len() - 1
            });
            let frame = (place, caller);
            caller = Some(*self.of_frames.entry(frame).or_insert_with(|| {
                self.frames.push(frame);
                self.frames.len() - 1
            }));
        }
        caller
    }
}

/// The stacks of a run that is read, by the indexes of `frames`.
pub(super) fn add_stacks(
    run: &mut RunBuilder,
    places: &[LocationId],
    frames: &[SavedStackFrame],
) -> Checked<Vec<StackId>> {
    let mut stacks: Vec<StackId> = Vec::with_capacity(frames.len());
    let mut depths: Vec<usize> = Vec::with_capacity(frames.len());
    for (index, (place, caller)) in frames.iter().enumerate() {
        let at = places.get(*place);
        let at =
            *at.ok_or_else(|| format!("frame {index} is at place {place}, which is not there"))?;
        let (caller, depth) = match caller {
            None => (None, 1),
            Some(caller) => {
                let known = stacks.get(*caller).zip(depths.get(*caller));
                let (stack, depth) = known.ok_or_else(|| {
                    format!("frame {index} is called by {caller}, which is not before it")
                })?;
                (Some(*stack), depth + 1)
            }
        };
        if depth > DEEPEST {
            return Err(format!("a stack has more than {DEEPEST} frames"));
        }
        stacks.push(run.stacks.add(at, caller));
        depths.push(depth);
    }
    Ok(stacks)
}
