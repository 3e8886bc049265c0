#!/usr/bin/env bash
# Makes the autograder of an exercise for Gradescope: a zip to upload as it is.
#
#     scripts/gradescope.sh EXERCISE OUT.zip
#
# It holds the students' copy of the course and the grader: no solution, no private check.
set -euo pipefail

if [ $# -ne 2 ]; then
    echo "usage: scripts/gradescope.sh EXERCISE OUT.zip" >&2
    exit 2
fi
exercise=$1
out=$(realpath -m "$2")
cd "$(dirname "$0")/.."
if ! ls -d exercises/??-"$exercise" >/dev/null 2>&1; then
    echo "error: there is no exercise $exercise in exercises/" >&2
    exit 2
fi
if grep -q '^privileged = true' exercises/??-"$exercise"/exercise.toml; then
    echo "error: $exercise needs raw sockets, which Gradescope's containers do not have" >&2
    exit 1
fi
if ! command -v zip >/dev/null; then
    echo "error: zip is missing; on Debian or Ubuntu: sudo apt-get install zip" >&2
    exit 1
fi
if [ -e "$out" ]; then
    echo "error: $out is there already" >&2
    exit 1
fi

bundle=$(mktemp -d)
trap 'rm -rf "$bundle"' EXIT
scripts/students-copy.sh "$bundle/course" >/dev/null
rm -rf "$bundle/course/.git"
# The grader, as it stands here, and the versions that it was tested with.
mkdir "$bundle/course/crates/grade"
cp -r crates/grade/Cargo.toml crates/grade/src "$bundle/course/crates/grade"
cp Cargo.lock "$bundle/course"
cp scripts/gradescope/setup.sh scripts/gradescope/run_autograder "$bundle"
chmod a+x "$bundle/setup.sh" "$bundle/run_autograder"
echo "$exercise" >"$bundle/exercise.txt"
mkdir -p "$(dirname "$out")"
(cd "$bundle" && zip --quiet --recurse-paths "$out" .)
echo "made: $out"
