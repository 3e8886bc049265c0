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
    as_it_came
    default_port
    drops_the_rest
    endless
    first_read
    gives_up_at_the_end
    impatient
    keeps_everything
    line_by_line
    short_read
    text
    trims
    waits_for_the_end
    whole_buffer
}
