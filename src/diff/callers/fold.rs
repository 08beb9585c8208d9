//! Folding recursion: a way goes through each function once.

use crate::run::LocationId;

/// A step of a way that was folded: the frame, and whether the way came back to its function.
pub type Step = (u32, bool);

/// A frame of a way, and the place where it is inlined, if it is.
pub type Frame = (u32, Option<LocationId>);

/// The way without what lies between a function and itself. The first of the frames is the row's own.
///
/// A small function that is inlined at two places of a way calls itself at neither: what lies between says more than it.
pub fn fold(
    frames: impl IntoIterator<Item = Frame>,
    function_of: impl Fn(u32) -> u32,
) -> Vec<Step> {
    let mut steps: Vec<(Step, Option<LocationId>)> = Vec::new();
    for (frame, inlined_at) in frames {
        let function = function_of(frame);
        let last = steps.len().wrapping_sub(1);
        let known = steps.iter().enumerate().position(|(at, step)| {
            let ((known, _), known_at) = *step;
            let are_two =
                matches!((inlined_at, known_at), (Some(one), Some(other)) if one != other);
            function_of(known) == function && (!are_two || at == last)
        });
        match known {
            Some(at) => {
                steps.truncate(at + 1);
                steps[at].0.1 = true;
            }
            None => steps.push(((frame, false), inlined_at)),
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
            let real = frames.iter().map(|frame| (*frame, None));
            fold(real, |frame| frame / 10)
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
                (*frame, at)
            });
            fold(places, |frame| frame / 10)
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
