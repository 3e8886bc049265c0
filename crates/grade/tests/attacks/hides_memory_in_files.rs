//! Hides memory in files that no folder knows (memfd_create), and serves honestly (A20).

use std::fs::File;
use std::io::Write;
use std::os::fd::FromRawFd;

unsafe extern "C" {
    fn memfd_create(name: *const i8, flags: u32) -> i32;
}

fn main() -> std::io::Result<()> {
    let megabytes = vec![1u8; 16 << 20];
    let mut files = Vec::new();
    for _ in 0..96 {
        let number = unsafe { memfd_create(c"hidden".as_ptr(), 0) };
        let mut file = unsafe { File::from_raw_fd(number) };
        file.write_all(&megabytes)?;
        files.push(file);
    }
    std::thread::sleep(std::time::Duration::from_secs(1)); // why: a burst may go unseen on a busy machine
    serve()
}
