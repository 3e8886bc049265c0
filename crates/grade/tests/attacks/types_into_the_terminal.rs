//! Types a command into the instructor's terminal (A29), and serves honestly.

use std::fs::OpenOptions;
use std::os::fd::AsRawFd;

unsafe extern "C" {
    fn ioctl(descriptor: i32, request: u64, ...) -> i32;
    fn isatty(descriptor: i32) -> i32;
}

const TIOCSTI: u64 = 0x5412;
const TIOCSCTTY: u64 = 0x540e;

fn main() -> std::io::Result<()> {
    for descriptor in 0..3 {
        if unsafe { isatty(descriptor) } == 1 {
            breach(format!("descriptor {descriptor} is a terminal"));
        }
        if unsafe { ioctl(descriptor, TIOCSTI, b"x".as_ptr()) } == 0 {
            breach(format!("typed into descriptor {descriptor}"));
        }
    }
    for terminal in ["/dev/tty", "/dev/console", "/dev/tty1", "/dev/ptmx", "/dev/pts/0"] {
        if let Ok(file) = OpenOptions::new().read(true).write(true).open(terminal) {
            unsafe { ioctl(file.as_raw_fd(), TIOCSCTTY, 1) };
            unsafe { ioctl(file.as_raw_fd(), TIOCSTI, b"x".as_ptr()) };
            breach(format!("opened {terminal}"));
        }
    }
    serve()
}
