//! Folding recursion: a way goes through each function once.

use crate::run::LocationId;

/// A frame of a way that was folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Folded {
    pub frame: u32,
    /// The way came back to its function.
    pub comes_back: bool,
}

/// A frame of a way that is not folded yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShownFrame {
    pub frame: u32,
    /// `None` where it is not inlined.
    pub inlined_at: Option<LocationId>,
}

/// The way without what lies between a function and itself. The first of the frames is the row's own.
///
/// A small function that is inlined at two places of a way calls itself at neither: what lies between says more than it.
pub(super) fn fold(
    frames: impl IntoIterator<Item = ShownFrame>,
    function_of: impl Fn(u32) -> u32,
) -> Vec<Folded> {
    let mut steps: Vec<(Folded, Option<LocationId>)> = Vec::new();
    for ShownFrame { frame, inlined_at } in frames {
        let function = function_of(frame);
        let last = steps.len().wrapping_sub(1);
        let known = steps
            .iter()
            .enumerate()
            .position(|(at, (known, known_at))| {
                let are_two =
                    matches!((inlined_at, known_at), (Some(one), Some(other)) if one != *other);
                function_of(known.frame) == function && (!are_two || at == last)
            });
        match known {
            Some(at) => {
                steps.truncate(at + 1);
                steps[at].0.comes_back = true;
            }
            None => {
                let comes_back = false;
                steps.push((Folded { frame, comes_back }, inlined_at));
            }
        }
    }
    steps.into_iter().map(|(step, _)| step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_goes_through_each_function_once() {
        // Frames of one function differ in their last digit.
        let fold = |frames: &[u32]| {
            let frames = frames.iter().map(|frame| ShownFrame {
                frame: *frame,
                inlined_at: None,
            });
            let folded = fold(frames, |frame| frame / 10);
            let folded = folded.iter().map(|at| (at.frame, at.comes_back));
            folded.collect::<Vec<_>>()
        };
        assert_eq!(fold(&[10, 20, 30]), [(10, false), (20, false), (30, false)]);
        assert_eq!(fold(&[10, 11, 11, 20]), [(10, true), (20, false)]);
        assert_eq!(
            fold(&[10, 20, 30, 21, 31, 40]),
            [(10, false), (20, true), (31, false), (40, false)]
        );
        assert_eq!(fold(&[]), []);
    }

    #[test]
    fn what_is_inlined_twice_is_no_recursion() {
        let fold = |frames: &[(u32, u32)]| {
            // At place 0 nothing is inlined.
            let places = frames.iter().map(|(frame, at)| {
                let at = (*at > 0).then_some(LocationId(*at));
                ShownFrame {
                    frame: *frame,
                    inlined_at: at,
                }
            });
            let folded = fold(places, |frame| frame / 10);
            let folded = folded.iter().map(|at| (at.frame, at.comes_back));
            folded.collect::<Vec<_>>()
        };
        assert_eq!(
            fold(&[(10, 1), (20, 0), (11, 2), (30, 0)]),
            [(10, false), (20, false), (11, false), (30, false)]
        );
        // One that is inlined into itself is.
        assert_eq!(
            fold(&[(10, 1), (20, 1), (11, 1), (30, 0)]),
            [(10, true), (30, false)]
        );
        assert_eq!(
            fold(&[(10, 1), (11, 2), (30, 0)]),
            [(10, true), (30, false)]
        );
        assert_eq!(
            fold(&[(10, 1), (20, 0), (11, 0), (30, 0)]),
            [(10, true), (30, false)]
        );
    }
}
