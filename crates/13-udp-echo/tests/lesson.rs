//! Plays every transcript of the lesson, and compares its excerpts with the sources.

fn main() -> std::process::ExitCode {
    transcript::lesson_tests(env!("CARGO_MANIFEST_DIR"))
}
