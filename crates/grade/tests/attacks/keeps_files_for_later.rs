//! Keeps a file for the next check, in which it would behave in another way (A24); serves honestly.

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    for folder in ["/work", "/tmp", "/dev/shm", "/program", "/var/tmp"] {
        let file = Path::new(folder).join("kept");
        if file.exists() {
            breach(format!("{} is there from before", file.display()));
        }
        let _ = fs::write(file, "for later");
    }
    for folder in ["/work", "/tmp"] {
        let there = fs::read_dir(folder).map_or(0, Iterator::count);
        if there != 1 {
            breach(format!("{there} files in {folder}"));
        }
    }
    serve()
}
