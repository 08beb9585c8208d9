//! How fast call sites grow: per minute where run times are known, else from run to run.

use super::site::Site;
use super::trend::median;

/// Growth by time, or by run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    pub blocks: f64,
    pub bytes: f64,
    /// How well the runs lie on a line, from 0 to 1; `None` for less than three, which always do.
    pub fit: Option<f64>,
}

/// A site's growth in both units, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    pub per_minute: Option<Rate>,
    /// Of a comparison.
    pub per_run: Option<Rate>,
}

/// Runs whose times differ by less than this share have the same time: a person stopped them.
const SAME_TIME: f64 = 0.01;

/// Finds the rates of all sites. A block that was there from the beginning is in every run, so it is
/// the difference between runs of different length that counts; runs of one length say how much more each
/// of them leaves, and a single run what it left in its time.
pub fn rate(sites: &mut [Site], durations_s: &[Option<f64>]) {
    let minutes: Option<Vec<f64>> = durations_s
        .iter()
        .map(|seconds| Some((*seconds)? / 60.0))
        .collect();
    let order: Vec<f64> = (0..durations_s.len()).map(|run| run as f64).collect();
    for site in sites {
        let per_run = (order.len() > 1).then(|| over(site, &order));
        let per_minute = minutes.as_deref().map(|minutes| {
            let longest = minutes.iter().copied().fold(0.0, f64::max);
            let shortest = minutes.iter().copied().fold(f64::INFINITY, f64::min);
            match per_run {
                Some(_) if longest - shortest > SAME_TIME * longest => over(site, minutes),
                Some(rate) => rate.divided_by(longest),
                None => {
                    let live = site.last();
                    let rate = Rate {
                        blocks: live.blocks as f64,
                        bytes: live.bytes as f64,
                        fit: None,
                    };
                    rate.divided_by(longest)
                }
            }
        });
        site.rates = Rates {
            per_minute,
            per_run,
        };
    }
}

impl Rate {
    fn divided_by(self, minutes: f64) -> Rate {
        Rate {
            blocks: self.blocks / minutes,
            bytes: self.bytes / minutes,
            ..self
        }
    }
}

fn over(site: &Site, x: &[f64]) -> Rate {
    let of = |figure: fn(crate::trace::Tally) -> u64| -> Vec<f64> {
        (0..x.len())
            .map(|run| figure(site.live(run)) as f64)
            .collect()
    };
    let blocks = of(|live| live.blocks);
    let slope_of_blocks = slope(x, &blocks);
    Rate {
        blocks: slope_of_blocks,
        bytes: slope(x, &of(|live| live.bytes)),
        fit: (x.len() > 2).then(|| fit(x, &blocks, slope_of_blocks)),
    }
}

/// The slope by Theil and Sen: the median of the slopes between any two points, which one odd run in
/// four does not move far.
fn slope(x: &[f64], y: &[f64]) -> f64 {
    let mut slopes = Vec::new();
    for later in 1..x.len() {
        for earlier in 0..later {
            let run = x[later] - x[earlier];
            if run != 0.0 {
                slopes.push((y[later] - y[earlier]) / run);
            }
        }
    }
    median(&slopes)
}

/// The share of what the points differ by that the line explains.
fn fit(x: &[f64], y: &[f64], slope: f64) -> f64 {
    let offsets: Vec<f64> = x.iter().zip(y).map(|(x, y)| y - slope * x).collect();
    let offset = median(&offsets);
    let middle = median(y);
    let beside: f64 = offsets.iter().map(|other| (other - offset).abs()).sum();
    let spread: f64 = y.iter().map(|y| (y - middle).abs()).sum();
    match spread > 0.0 {
        true => (1.0 - beside / spread).clamp(0.0, 1.0),
        false => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_odd_run_does_not_decide() {
        let minutes = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(slope(&minutes, &[100.0, 200.0, 300.0, 400.0, 500.0]), 100.0);
        let odd = [100.0, 200.0, 9000.0, 400.0, 500.0];
        assert_eq!(slope(&minutes, &odd), 100.0);
        assert_eq!(
            fit(&minutes, &[100.0, 200.0, 300.0, 400.0, 500.0], 100.0),
            1.0
        );
        assert!(fit(&minutes, &odd, 100.0) < 0.5);
    }

    #[test]
    fn runs_of_one_length_have_no_slope_over_time() {
        assert_eq!(slope(&[2.0, 2.0], &[1.0, 5.0]), 0.0);
        assert_eq!(fit(&[0.0, 1.0, 2.0], &[7.0, 7.0, 7.0], 0.0), 1.0);
    }
}
