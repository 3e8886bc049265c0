//! Checks your program: each test is one thing that it must do.

fn main() -> std::process::ExitCode {
    checks::exercise_tests(
        env!("CARGO_MANIFEST_DIR"),
        env!("CARGO_BIN_EXE_udp-echo-exercise"),
    )
}
