//! Takes the model solution for a module of its own, while it is compiled (A7).

#[path = "@SOLUTION@"]
mod solution;

fn main() {
    let _ = solution::main();
}
