//! Serves honestly, but does not end with its client, and ignores every signal (A14).

unsafe extern "C" {
    fn signal(signal: i32, handler: usize) -> usize;
}

fn main() {
    const IGNORE: usize = 1;
    for number in 1..65 {
        unsafe { signal(number, IGNORE) };
    }
    let _ = serve();
    loop {
        std::thread::park();
    }
}
