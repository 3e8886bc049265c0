//! Is one expression of a mebibyte, nested as deep as it is long (A13).

fn main() {
    let one = 1;
    println!("{}", @NESTED@);
}
