//! Fills every place where it can write with files, big and small (A21), and then listens, no more.

use std::fs::{self, File};
use std::io::Write;

fn main() -> std::io::Result<()> {
    let megabyte = vec![1u8; 1 << 20];
    for folder in ["/work", "/tmp"] {
        let (mut written, mut made) = (0, 0);
        'full: for number in 0.. {
            let Ok(mut file) = File::create(format!("{folder}/{number}")) else { break };
            for _ in 0..15 {
                if file.write_all(&megabyte).is_err() {
                    break 'full;
                }
                written += 1;
            }
        }
        while made < 100_000 && fs::write(format!("{folder}/small-{made}"), "").is_ok() {
            made += 1;
        }
        if written > 512 || made == 100_000 {
            breach(format!("{written} MiB and {made} files in {folder}"));
        }
    }
    let address = std::env::args().last().unwrap_or_default();
    let listener = std::net::TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    listener.accept().map(drop)
}
