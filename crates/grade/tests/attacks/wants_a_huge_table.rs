//! Wants a table from the compiler that no disk can hold (A13).

static TABLE: [u64; 1 << 36] = [1; 1 << 36];

fn main() {
    println!("{}", TABLE[std::env::args().count()]);
}
