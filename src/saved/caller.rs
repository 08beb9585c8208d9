//! A caller and its figures, in a saved report.

use serde::{Deserialize, Serialize};

use super::checks::{
    Checked, check_figures, check_lives, check_sizes, check_survivors, checked_live_sizes,
};
use super::name::SavedName;
use super::place::{Number, Referred, SavedPlace};
use super::stacks::StackWriter;
use crate::run::{Allocated, CallSite, Figures, LinkAddress, Run, RunBuilder, Source, StackId};
use crate::trace::{Curve, Life, Lives, Sizes, Tally};

#[derive(Serialize, Deserialize)]
pub(super) struct SavedCaller {
    /// Index of the innermost frame of its stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<usize>,
    /// Its outermost frame had a caller that is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    /// Of a stack of one frame, as in a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    module: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<LinkAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<Number>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<SavedName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    build: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allocations: Option<u64>,
    blocks: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// The least and the most that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sizes: Option<(u64, u64)>,
    /// Size and live blocks of it, where these do not follow from the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live_sizes: Option<Vec<(u64, u64)>>,
    /// Step, blocks and bytes, at each of the steps at which these change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    curve: Option<SavedCurve>,
    /// The same of the blocks that lived to the end: how many of them were there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    survivors: Option<SavedCurve>,
    /// How long the others lived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lives: Option<SavedLives>,
}

impl SavedCaller {
    pub(super) fn of<'a>(
        run: &'a Run,
        site: &CallSite,
        stacks: &mut StackWriter,
        referred: &mut Referred<'a>,
    ) -> Self {
        let stack = stacks.add(run, site);
        let place = || SavedPlace::of(run, run.innermost(site), referred);
        let mut place = stack.is_none().then(place);
        SavedCaller {
            module: place.as_ref().and_then(|place| place.module),
            address: place.as_ref().and_then(|place| place.address),
            number: place.as_mut().and_then(|place| place.number.take()),
            build: place.as_ref().and_then(|place| place.build),
            name: place.map(|place| place.name),
            stack,
            cut: run.is_cut(site),
            allocations: site.figures.allocations,
            blocks: site.figures.blocks,
            bytes: site.figures.bytes,
            sizes: site.sizes.map(|sizes| (sizes.least(), sizes.most())),
            live_sizes: site.kept_sizes().map(|sizes| sizes.iter().collect()),
            curve: site.curve.as_ref().map(saved),
            survivors: site.survivors.as_ref().map(saved),
            lives: site.lives.as_ref().map(SavedLives::of),
        }
    }

    pub(super) fn take_place(&mut self) -> Option<SavedPlace> {
        Some(SavedPlace {
            name: self.name.take()?,
            module: self.module,
            address: self.address,
            number: self.number.take(),
            build: self.build,
        })
    }

    pub(super) fn add_to(
        self,
        run: &mut RunBuilder,
        stack: StackId,
        source: Source,
    ) -> Checked<()> {
        let figures = Figures {
            blocks: self.blocks,
            bytes: self.bytes,
            allocations: self.allocations,
        };
        let sizes = self.sizes.map(|(least, most)| {
            let sizes = Sizes::new(least, most);
            sizes.ok_or_else(|| format!("no 'sizes' lie between {least} and {most}"))
        });
        let (curve, survivors) = (curve_of(self.curve)?, curve_of(self.survivors)?);
        let sizes = sizes.transpose()?;
        let lives = self.lives.map(SavedLives::lives).transpose()?;
        check_figures(source, figures, curve.as_ref())
            .and_then(|()| check_survivors(curve.as_ref(), survivors.as_ref()))
            .and_then(|()| check_lives(figures, lives.as_ref()))
            .and_then(|()| check_sizes(figures, sizes))
            .and_then(|()| checked_live_sizes(figures.blocks, figures.bytes, self.live_sizes))
            .map_err(|reason| format!("of caller {}, {reason}", run.sites.len() + 1))
            .map(|live_sizes| {
                if self.cut {
                    run.cut_stack(stack);
                }
                let allocated = Allocated {
                    figures,
                    sizes,
                    curve,
                    survivors,
                    lives,
                    live_sizes,
                };
                run.add_stack(stack, allocated);
            })
    }
}

/// Steps at which a curve changes, with the blocks and bytes from there on.
type SavedCurve = Vec<(u8, u64, u64)>;

fn saved(curve: &Curve) -> SavedCurve {
    let changes = curve.changes();
    changes
        .map(|(step, live)| (step, live.blocks, live.bytes))
        .collect()
}

/// Blocks that were freed in a later part of the run than they were born in.
#[derive(Serialize, Deserialize)]
struct SavedLives {
    /// Of the run; four are a part.
    stretches: usize,
    /// The parts in which blocks died and were born, and how many.
    freed: Vec<(u8, u8, u64)>,
}

impl SavedLives {
    fn of(lives: &Lives) -> Self {
        let freed = lives.iter();
        SavedLives {
            stretches: lives.stretches(),
            freed: freed
                .map(|life| (life.died, life.born, life.blocks))
                .collect(),
        }
    }

    fn lives(self) -> Checked<Lives> {
        let freed = self.freed.into_iter();
        let freed = freed.map(|(died, born, blocks)| Life { died, born, blocks });
        Lives::new(self.stretches, &freed.collect::<Vec<_>>())
            .ok_or_else(|| "the 'lives' of a caller are out of order".to_owned())
    }
}

fn curve_of(saved: Option<SavedCurve>) -> Checked<Option<Curve>> {
    let Some(saved) = saved else { return Ok(None) };
    let tally = |(step, blocks, bytes)| (step, Tally { blocks, bytes });
    let changes: Vec<(u8, Tally)> = saved.into_iter().map(tally).collect();
    let curve = Curve::from_changes(&changes);
    curve
        .map(Some)
        .ok_or_else(|| "the steps of a curve are out of order".to_owned())
}
