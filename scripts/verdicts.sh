#!/usr/bin/env bash
# Precision and recall of the verdict `leak`, on call sites of simulated programs (tests/verdicts).
#
#   scripts/verdicts.sh                     seeds 1 to 200: some 4,000 call sites, within a minute
#   scripts/verdicts.sh 12 300-400          these
#   scripts/verdicts.sh --wrong 2-40        what is judged wrong there, with its curves in both runs
#   scripts/verdicts.sh --classes           the figures by class for the held-back seeds, too
#   KEEP=DIR scripts/verdicts.sh 12         leaves both logs in DIR/12
#
# Even seeds are for tuning the rule, odd ones are held back to say how good it is: of these only the totals are
# shown, and --wrong leaves them out. --classes is for the documentation, when a rule is done.
# tests/verdicts/truth.rs says what counts as a leak, and what as undecidable.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1-}" in
--wrong) export WRONG=1 && shift ;;
--classes) export CLASSES=1 && shift ;;
-*)
    echo "verdicts.sh: there is no option '$1': --wrong and --classes are all there is" >&2
    exit 2
    ;;
esac
[ $# -gt 0 ] || set -- 1-200
VERDICTS="$*" exec cargo test --locked --quiet --test verdicts
