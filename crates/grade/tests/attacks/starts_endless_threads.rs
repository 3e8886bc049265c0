//! Starts threads until the system refuses (A15).

fn main() {
    loop {
        std::thread::spawn(|| {
            loop {
                std::thread::park();
            }
        });
    }
}
