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
    closes_both_ways
    counts_only_up
    counts_refused
    default_port
    exits_at_once
    flag_only
    good_ends_only
    holds_the_lock
    idle_is_an_error
    left_waiting
    line_by_line
    load_and_store
    never_drops
    not_caught
    one_at_a_time
    one_message
    one_too_many
    open_door
    panics
    silent_refusal
    singular
    sleeps_at_the_end
    waits_for_ever
    waits_for_idle
    waits_for_the_end
    whole_connection
}
