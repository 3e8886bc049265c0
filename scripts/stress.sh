#!/usr/bin/env bash
# Plays all lessons again and again while all processors are busy, and stops at the first failure.
# In each round all lessons are played at the same time.
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

# cargo names each test program as `Executable tests/lesson/main.rs (target/debug/deps/lesson-...)`.
programs=()
while read -r line; do
    programs+=("$(sed -n 's/.*(\(.*\)).*/\1/p' <<<"$line")")
done < <(cargo test --workspace --test lesson --no-run 2>&1 | grep '^ *Executable')
cargo build --workspace --quiet

load=()
logs=$(mktemp -d)
trap 'kill "${load[@]}" 2>/dev/null || true; rm -rf "$logs"' EXIT
for _ in $(seq "$(nproc)"); do
    (while :; do :; done) &
    load+=($!)
done

for round in $(seq "$times"); do
    players=()
    for program in "${programs[@]}"; do
        NO_SKIPS=1 "$program" --skip misfortunes:: --test-threads 8 >"$logs/$(basename "$program")" 2>&1 &
        players+=($!)
    done
    for number in "${!players[@]}"; do
        wait "${players[$number]}" || {
            cat "$logs/$(basename "${programs[$number]}")"
            echo "failed in round $round of $times" >&2
            exit 1
        }
    done
    printf '\rround %d of %d' "$round" "$times"
done
printf '\n%d lessons played %d times under load: no failure\n' "${#programs[@]}" "$times"
