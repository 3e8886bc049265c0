//! Takes a file of the instructor's into its text, while it is compiled (A7).

const SECRET: &str = include_str!("@CANARY@");

fn main() {
    println!("{SECRET}");
    let _ = serve();
}
