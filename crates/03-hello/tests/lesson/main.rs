//! Plays every transcript of the lesson, compares its excerpts with the sources, and tries what can go
//! wrong.

mod misfortunes;

fn main() -> std::process::ExitCode {
    transcript::lesson_tests(env!("CARGO_MANIFEST_DIR"), misfortunes::TESTS)
}
