//! Takes memory without an end, and uses it (A20).

fn main() {
    let mut all = Vec::new();
    loop {
        all.push(vec![1u8; 16 << 20]);
    }
}
