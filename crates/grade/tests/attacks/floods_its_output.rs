//! Prints without an end (A19).

fn main() {
    loop {
        println!("all work and no play makes jack a dull boy, and his disk a full one");
    }
}
