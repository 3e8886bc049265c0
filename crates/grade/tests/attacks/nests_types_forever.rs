//! Keeps the compiler at a type that contains itself, ever deeper (A13).

#![recursion_limit = "1000000"]

fn deeper<T>(depth: usize, value: T) -> usize {
    if depth == 0 { 0 } else { deeper(depth - 1, (value, depth)) + 1 }
}

fn main() {
    println!("{}", deeper(std::env::args().count(), ()));
}
