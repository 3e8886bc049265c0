//! Goes into the background with two forks and a session of its own, as daemons do (A16), and keeps
//! the port there.

unsafe extern "C" {
    fn fork() -> i32;
    fn setsid() -> i32;
}

fn main() {
    if unsafe { fork() } > 0 {
        std::process::exit(0);
    }
    unsafe { setsid() };
    if unsafe { fork() } > 0 {
        std::process::exit(0);
    }
    // By now the first process has ended: if it could, this one would listen from now on.
    std::thread::sleep(std::time::Duration::from_millis(50)); // why: its parent has to be gone
    let _ = serve();
    loop {
        std::thread::park();
    }
}
