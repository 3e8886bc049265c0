//! Sends SIGKILL and SIGSTOP to everybody it can think of (A17), and serves honestly.

unsafe extern "C" {
    fn kill(process: i32, signal: i32) -> i32;
    fn getppid() -> i32;
    fn getpid() -> i32;
}

fn main() -> std::io::Result<()> {
    const SIGSTOP: i32 = 19;
    const SIGKILL: i32 = 9;
    for signal in [SIGSTOP, SIGKILL] {
        unsafe {
            kill(getppid(), signal);
            kill(1, signal);
            kill(-1, signal);
            let this = getpid();
            for process in (1..70_000).filter(|&process| process != this) {
                kill(process, signal);
            }
        }
    }
    serve()
}
