//! Sends SIGKILL to its warder, to its cell and to a process of the test, and serves honestly.

unsafe extern "C" {
    fn kill(process: i32, signal: i32) -> i32;
    fn getpgrp() -> i32;
    fn getppid() -> i32;
}

fn main() -> std::io::Result<()> {
    const SIGKILL: i32 = 9;
    let (warder, cell) = unsafe { (getppid(), getpgrp()) };
    for process in [@BYSTANDER@, cell, warder] {
        if unsafe { kill(process, SIGKILL) } == 0 {
            breach(format!("sent SIGKILL to {process}"));
        }
    }
    serve()
}
