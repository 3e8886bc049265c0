//! All wrong programs in one: the name by which it is called says which one to be.

use std::env;
use std::process::{ExitCode, Termination};

macro_rules! programs {
    ($($name:ident)*) => {
        $(mod $name;)*

        fn main() -> ExitCode {
            let called = env::args().next().unwrap_or_default();
            match called.rsplit('/').next() {
                $(Some(stringify!($name)) => $name::main().report(),)*
                _ => ExitCode::from(2),
            }
        }
    };
}

programs! {
    counts_good_ones
    counts_reads
    default_port
    endless
    first_read
    forgets_silent_ones
    ignores_failed_writes
    ignores_silent_ones
    impatient
    keeps_streams
    line_by_line
    loses_count
    one_client
    other_words
    peer_addr
    question_mark
    running_total
    silent_about_lost
    singular
    takes_reset_for_end
    tells_twice
    unwrap
    waits_for_the_end
    whole_buffer
    wrong_stream
}
