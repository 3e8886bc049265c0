//! All wrong programs in one; the variable WRONG names the one to run.

use std::env;
use std::process::{ExitCode, Termination};

macro_rules! programs {
    ($($name:ident)*) => {
        $(mod $name;)*

        fn main() -> ExitCode {
            match env::var("WRONG").as_deref() {
                $(Ok(stringify!($name)) => $name::main().report(),)*
                _ => ExitCode::from(2),
            }
        }
    };
}

programs! {
    always_reads
    as_they_came
    asks_the_system
    byte_order
    fills_up
    first_four
    first_name_only
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
