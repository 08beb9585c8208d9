//! Folding recursion: a way goes through each function once.

/// A frame of a way that was folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folded {
    pub frame: u32,
    /// The way came back to its function.
    pub comes_back: bool,
}

/// The way without what lies between a function and itself. The first of the frames is the row's own.
pub fn fold(
    frames: impl IntoIterator<Item = u32>,
    function_of: impl Fn(u32) -> u32,
) -> Vec<Folded> {
    let mut folded: Vec<Folded> = Vec::new();
    for frame in frames {
        let function = function_of(frame);
        let known = folded
            .iter()
            .position(|known| function_of(known.frame) == function);
        match known {
            Some(at) => {
                folded.truncate(at + 1);
                folded[at].comes_back = true;
            }
            None => folded.push(Folded {
                frame,
                comes_back: false,
            }),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_goes_through_each_function_once() {
        // Frames of one function differ in their last digit.
        let fold = |frames: &[u32]| {
            let folded = fold(frames.iter().copied(), |frame| frame / 10);
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
}
