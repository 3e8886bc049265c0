//! Keeps the compiler at a macro that makes itself longer and longer (A13).

macro_rules! more {
    ($($all:tt)*) => { more!($($all)* +) };
}

fn main() {
    more!();
}
