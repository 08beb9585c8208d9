//! What is wrong with a recording itself.

use crate::recording::Recording;
use crate::warning::{LogWarning, RecordingWarning, Warning};

/// A recording begins with its program, so that it has seen the allocation of all but a few blocks.
const MANY_UNKNOWN: u64 = 100;

/// What the recording lacks. Before its end, none is whole.
pub(super) fn damage(recording: &Recording, is_moment: bool) -> Vec<Warning> {
    let damage = &recording.damage;
    let header = &recording.header;
    let none = (recording.events == 0).then_some(RecordingWarning::NoRecords);
    // Where it is cut or damaged, that is why.
    let none = none.filter(|_| !damage.is_cut && damage.bad_blocks == 0);
    let bad = (damage.bad_blocks > 0).then_some(RecordingWarning::Damaged {
        blocks: damage.bad_blocks,
        first_at: damage.first_at,
    });
    let stopped = header.stopped.filter(|_| !is_moment);
    // A child that was forked has its parent's blocks to free, and what was lost was not seen.
    let is_whole = damage.bad_blocks == 0 && header.lost == 0;
    let is_whole = is_whole && recording.fact("forked-from").is_none();
    let unknown = is_whole && recording.unknown_frees >= MANY_UNKNOWN;
    let read = damage.read_error.clone();
    let read = read.map(|failure| Warning::from(LogWarning::ReadStopped(failure)));
    let before = [
        none,
        bad,
        unknown.then_some(RecordingWarning::UnknownFrees {
            frees: recording.unknown_frees,
        }),
    ];
    let after = [
        (damage.is_cut && !is_moment).then_some(RecordingWarning::Cut),
        stopped.map(|stopped| RecordingWarning::Stopped {
            reason: stopped.reason(),
        }),
        recording
            .lacks_last_counts
            .then_some(RecordingWarning::LastCountsLost),
        (header.lost > 0).then_some(RecordingWarning::Lost {
            events: header.lost,
        }),
    ];
    let before = before.into_iter().flatten().map(Warning::from);
    let after = after.into_iter().flatten().map(Warning::from);
    before.chain(read).chain(after).collect()
}
