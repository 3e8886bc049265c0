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
    asked_port
    asks_too_late
    connects_twice
    cut_at_colon
    default_port
    not_mirrored
    one_side_only
    order_ignored
    ports_only
    protocol_ignored
    sides_swapped
    unwraps
    waits_for_the_client
    wrong_socket
}
