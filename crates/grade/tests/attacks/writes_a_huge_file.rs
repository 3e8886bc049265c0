//! Writes one file without an end (A21).

use std::io::Write;

fn main() -> std::io::Result<()> {
    let mut file = std::fs::File::create("/tmp/huge")?;
    loop {
        file.write_all(&[1; 1 << 16])?;
    }
}
