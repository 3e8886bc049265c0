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
    always_content
    any_address
    any_id
    any_number
    any_type
    believes_damaged
    carries_lost
    duplicates_once
    duplicates_received
    ends_early
    first_packet
    fixed_header
    folds_once
    highest_number
    little_endian
    no_checksum
    no_ip_header
    no_timeout
    not_there
    not_turned
    odd_byte_left_out
    odd_byte_low
    only_the_latest
    small_byte_first
}
