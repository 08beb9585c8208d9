//! Folding recursion: a way goes through each function once.

/// A step of a way that was folded: the frame, and whether the way came back to its function.
pub type Step = (u32, bool);

/// The way without what lies between a function and itself. The first of the frames is the row's own.
pub fn fold(frames: impl IntoIterator<Item = u32>, function_of: impl Fn(u32) -> u32) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for frame in frames {
        let function = function_of(frame);
        let known = steps
            .iter()
            .position(|(known, _)| function_of(*known) == function);
        match known {
            Some(at) => {
                steps.truncate(at + 1);
                steps[at].1 = true;
            }
            None => steps.push((frame, false)),
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_goes_through_each_function_once() {
        // Frames of one function differ in their last digit.
        let fold = |frames: &[u32]| fold(frames.iter().copied(), |frame| frame / 10);
        assert_eq!(fold(&[10, 20, 30]), [(10, false), (20, false), (30, false)]);
        assert_eq!(fold(&[10, 11, 11, 20]), [(10, true), (20, false)]);
        assert_eq!(
            fold(&[10, 20, 30, 21, 31, 40]),
            [(10, false), (20, true), (31, false), (40, false)]
        );
        assert_eq!(fold(&[]), []);
    }
}
