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
    binds_again
    client_buffer
    client_status
    closes_unread
    cut_off_panic
    default_port
    drains_only
    drops_at_once
    first_newline
    keeps_streams
    line_on_stderr
    no_newline
    not_flushed
    one_client
    one_read
    question_mark
    reads_first
    refused_panic
    says_nothing
    server_buffer
    takes_reset_for_end
    unwrap
    wrong_stream
}
