//! Keeps the compiler at a computation that has no end (A13).

#![allow(long_running_const_eval)]

const FOREVER: usize = {
    let mut number = 0usize;
    loop {
        number = number.wrapping_add(1);
        if number == usize::MAX / 2 {
            break number;
        }
    }
};

fn main() {
    println!("{FOREVER}");
}
