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
