#!/usr/bin/env bash
# Proves all exercises again and again while all processors are busy, and stops at the first
# failure: starters fail, solutions pass, wrong programs are caught. In release.
#
#     scripts/gate.sh [TIMES]      50 times, if nothing else is said
set -euo pipefail
cd "$(dirname "$0")/.."
times=${1:-50}
case $times in
'' | *[!0-9]*)
    echo "usage: scripts/gate.sh [TIMES]" >&2
    exit 2
    ;;
esac

cargo test --release -p checks --no-run --quiet
load=()
trap 'kill "${load[@]}" 2>/dev/null || true' EXIT
for _ in $(seq "$(nproc)"); do
    (while :; do :; done) &
    load+=($!)
done

again=0
for round in $(seq "$times"); do
    log=$(cargo test --release -p checks --quiet --test gate 2>&1) || {
        echo "$log"
        echo "failed in round $round of $times" >&2
        exit 1
    }
    again=$((again + $(grep -c 'judged again' <<<"$log" || true)))
    printf '\rround %d of %d' "$round" "$times"
done
printf '\nthe gate held %d times under load; %d programs were judged again\n' "$times" "$again"
