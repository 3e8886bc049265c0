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
    always_reads
    as_they_came
    asks_the_system
    below_65535
    byte_order
    fills_up
    first_four
    first_name_only
    last_line
    left_out
    no_brackets
    octal
    one_address
    one_space
    only_ipv4
    part_of_name
    port_zero
    reads_remarks
    sorted_as_text
    takes_signs
    trims
    twice
    udp_port
    unwraps
    wraps
    zero_in_front
}
