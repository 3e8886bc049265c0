//! Takes a secret out of the environment of the compiler (A7).

const SECRET: &str = env!("GRADE_TEST_SECRET");

fn main() {
    println!("{SECRET}");
    let _ = serve();
}
