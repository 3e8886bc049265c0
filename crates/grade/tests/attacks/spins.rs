//! Keeps a processor busy, and does nothing (A14).

fn main() {
    loop {
        std::hint::spin_loop();
    }
}
