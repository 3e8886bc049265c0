#!/usr/bin/env bash
# Gradescope runs this as root when it builds the image: Rust, the grader, and what the exercise
# depends on. From then on nothing is downloaded.
set -euo pipefail
source=${AUTOGRADER_ROOT:-/autograder}/source
# Programs of students, and the compiler for them, run as a user of their own. What they need must
# be readable for everybody, and must not be in the home of root.
export RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:$PATH
umask 022

apt-get update
apt-get install -y --no-install-recommends build-essential ca-certificates curl
# The script that https://sh.rustup.rs leads to.
curl --proto '=https' --tlsv1.2 --fail --silent --show-error \
    https://static.rust-lang.org/rustup/rustup-init.sh |
    sh -s -- -y --no-modify-path --profile minimal --default-toolchain stable

chmod -R a+rX "$source"
cd "$source/course"
cargo build --release --package grade
# The starter is graded once. This compiles what programs depend on; and if programs cannot be kept
# apart here, it is known now.
exercise=$(cat "$source/exercise.txt")
target/release/grade single exercises/??-"$exercise"/starter.rs --exercise "$exercise"
