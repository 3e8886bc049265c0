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
    all_at_once
    any_identifier
    believes_anybody
    compares_last_byte
    compares_ports
    compares_texts
    complains_on_stdout
    counts_in_a_byte
    counts_repeats
    empties_before_sending
    empty_is_none
    ends_at_nothing
    gives_up_at_once
    impatient
    keeps_doubled_wait
    little_endian
    never_gives_up
    new_identifier
    no_address
    no_back_off
    no_time_limit
    panics
    prints_identifier
    prints_own_text
    sends_at_once
    short_last_wait
    silent
    small_buffer
    socket_for_each
    splits_any_datagram
    starts_over
    triples
    whole_buffer
}
