#!/usr/bin/env bash
# Plays all lessons again and again while all processors are busy, and stops at the first failure.
#
#     scripts/stress.sh [TIMES]      200 times, if nothing else is said
set -euo pipefail
cd "$(dirname "$0")/.."
times=${1:-200}
case $times in
'' | *[!0-9]*)
    echo "usage: scripts/stress.sh [TIMES]" >&2
    exit 2
    ;;
esac

cargo test --workspace --no-run --quiet
load=()
trap 'kill "${load[@]}" 2>/dev/null || true' EXIT
for _ in $(seq "$(nproc)"); do
    (while :; do :; done) &
    load+=($!)
done

for round in $(seq "$times"); do
    log=$(cargo test --workspace --quiet --test lesson 2>&1) || {
        echo "$log"
        echo "failed in round $round of $times" >&2
        exit 1
    }
    printf '\rround %d of %d' "$round" "$times"
done
printf '\nall lessons played %d times under load: no failure\n' "$times"
