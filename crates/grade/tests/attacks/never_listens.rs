//! Waits for nothing (A14).

fn main() {
    loop {
        std::thread::park();
    }
}
