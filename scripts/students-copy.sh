#!/usr/bin/env bash
# Makes the copy of the course that students get: without solutions, every exercise at its
# beginning, no history.
#
#     scripts/students-copy.sh DEST [--with-solutions]
#
# DEST is a new or an empty folder. With --with-solutions the wrong programs come along, too.
set -euo pipefail

fail() {
    echo "error: $1" >&2
    exit 1
}
usage() {
    echo "usage: scripts/students-copy.sh DEST [--with-solutions]" >&2
    exit 2
}

destination=
solutions=no
for word in "$@"; do
    case $word in
    --with-solutions) solutions=yes ;;
    -* | '') usage ;;
    *)
        [ -z "$destination" ] || usage
        destination=$(realpath -m "$word")
        ;;
    esac
done
[ -n "$destination" ] || usage

cd "$(dirname "$0")/.."
course=$(pwd -P)
case $destination/ in
"$course"/target/*) ;; # Nobody looks there.
"$course"/*) fail "$destination is inside of the course itself: name a folder outside" ;;
esac
if [ -e "$destination" ] && [ -n "$(ls -A "$destination")" ]; then
    fail "$destination is there already, and not empty: name a new folder"
fi
mkdir -p "$destination"

# What is handed out is named here. So nothing else ever is: no results of a class, no notes.
parts=(.cargo .clippy.toml .gitignore .rustfmt.toml Cargo.lock Cargo.toml LICENSE README.md
    crates exercises notes scripts/stress.sh)
left_out=(
    # The grader and its page are for teachers; students need not wait until it is compiled.
    '^crates/grade/' '^notes/instructors\.md$'
    # What has been solved here, and earlier tries: src/ is made from the starter instead.
    '^exercises/[^/]*/src/'
    # The tests of the guide solve exercises.
    '^crates/course/tests/'
)
if [ $solutions = yes ]; then
    parts+=(solutions)
else
    left_out+=('^crates/checks/tests/gate\.rs$')
fi

files() {
    if [ -e .git ]; then git ls-files -z -- "${parts[@]}"; else find "${parts[@]}" -type f -print0; fi
}
files | grep -zvf <(printf '%s\n' "${left_out[@]}") |
    tar --null --files-from=- -cf - | tar -xf - -C "$destination"

cd "$destination"
for exercise in exercises/*/; do
    mkdir "$exercise/src"
    cp "$exercise/starter.rs" "$exercise/src/main.rs"
done

# What speaks of that which is not there.
sed -i -e '/^grade = /d' -e '/^\[profile\.dev\.package\.sha2\]$/,/^$/d' Cargo.toml
sed -i -e '/^\* \*\*You teach\.\*\*/,/^$/{/./d}' -e '/^            grade\/ /d' \
    -e '/^            [a-z0-9-]*\.sh /d' -e '/^\.ci\/run /d' README.md
if [ $solutions = no ]; then
    sed -i -e '/^ *"solutions\/\*",$/d' -e 's|, "solutions/\*"||' \
        -e '/^\[profile\.dev\.package\..*-solution\]$/,/^$/d' Cargo.toml
    sed -i '/^solutions\/ /d' README.md
    sed -i '/^\[\[test\]\]$/,/^$/d' crates/checks/Cargo.toml
fi
if command -v cargo >/dev/null; then
    # Cargo.lock names fewer packages now. Where this does not work, the first build does it.
    cargo update --workspace --offline --quiet || true
fi

if command -v git >/dev/null; then
    git init --quiet --initial-branch=main
    git add --all
    git -c user.name='Socket programming' -c user.email=course@example.invalid \
        -c commit.gpgsign=false commit --quiet --message='The course, as it is handed out'
fi
echo "made: $destination"
