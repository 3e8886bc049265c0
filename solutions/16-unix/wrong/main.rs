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
    any_error
    any_file
    asks_as_a_client
    asks_for_an_echo
    between_clients
    cleans_up_always
    default_path
    drop_guard
    expects
    first_read
    flag_only
    follows_links
    line_by_line
    mode_decimal
    mode_of_umask
    no_handler
    one_client
    only_binds
    question_mark
    removes_blindly
    removes_by_name
    status_130
    waits_for_the_end
}
