//! Leaves daemons behind that hold ports and its output (A16, A24), and serves honestly.

use std::net::TcpListener;
use std::process::{Command, Stdio};

unsafe extern "C" {
    fn fork() -> i32;
    fn setsid() -> i32;
    fn signal(signal: i32, handler: usize) -> usize;
}

fn main() -> std::io::Result<()> {
    if std::env::args().any(|argument| argument == "@MARK@") {
        loop {
            std::thread::park();
        }
    }
    for number in 0..4 {
        if unsafe { fork() } > 0 {
            continue;
        }
        unsafe { setsid() };
        if unsafe { fork() } > 0 {
            std::process::exit(0);
        }
        const IGNORE: usize = 1;
        for number in 1..32 {
            unsafe { signal(number, IGNORE) };
        }
        let _port = TcpListener::bind(("127.0.0.1", 9000 + number));
        loop {
            std::thread::park();
        }
    }
    // One more, under a name that is easy to find, with its own output.
    let _ = Command::new("/proc/self/exe").arg("@MARK@").stdout(Stdio::null()).spawn();
    serve()
}
