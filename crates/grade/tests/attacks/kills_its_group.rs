//! Sends every signal to its process group, in which the grader's helpers are, too (A17).

unsafe extern "C" {
    fn kill(process: i32, signal: i32) -> i32;
    fn signal(signal: i32, handler: usize) -> usize;
}

fn main() {
    const IGNORE: usize = 1;
    const SIGKILL: i32 = 9;
    const SIGSTOP: i32 = 19;
    for number in (1..65).filter(|&number| number != SIGKILL && number != SIGSTOP) {
        unsafe {
            signal(number, IGNORE);
            kill(0, number);
        }
    }
    // It is still there, and so are the helpers. Now for good.
    unsafe { kill(0, SIGKILL) };
}
