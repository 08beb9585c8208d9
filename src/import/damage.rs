//! What is wrong with a recording itself.

use crate::recording::Recording;
use crate::warning::Warning;

/// A recording begins with its program, so that it has seen the allocation of all but a few blocks.
const MANY_UNKNOWN: u64 = 100;

/// What the recording lacks. Before its end, none is whole.
pub fn damage(recording: &Recording, is_moment: bool) -> Vec<Warning> {
    let damage = &recording.damage;
    let header = &recording.header;
    let none = (recording.events == 0).then_some(Warning::NoRecords { is_recorded: true });
    // Where it is cut or damaged, that is why.
    let none = none.filter(|_| !damage.is_cut && damage.bad_blocks == 0);
    let bad = (damage.bad_blocks > 0).then_some(Warning::RecordingDamaged {
        blocks: damage.bad_blocks,
        first_at: damage.first_at,
    });
    let read = damage.read_error.clone();
    let stopped = header.stopped.filter(|_| !is_moment);
    // A child that was forked has its parent's blocks to free, and what was lost was not seen.
    let is_whole = damage.bad_blocks == 0 && header.lost == 0;
    let is_whole = is_whole && recording.fact("forked-from").is_none();
    let unknown = is_whole && recording.unknown_frees >= MANY_UNKNOWN;
    [
        none,
        bad,
        unknown.then_some(Warning::UnknownFrees {
            frees: recording.unknown_frees,
        }),
        read.map(Warning::ReadStopped),
        (damage.is_cut && !is_moment).then_some(Warning::RecordingCut),
        stopped.map(|stopped| Warning::RecordingStopped {
            reason: stopped.reason(),
        }),
        recording
            .lacks_last_counts
            .then_some(Warning::LastCountsLost),
        (header.lost > 0).then_some(Warning::RecordingLost {
            events: header.lost,
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
