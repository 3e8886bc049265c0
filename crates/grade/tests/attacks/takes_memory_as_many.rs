//! Takes memory in many processes, each of which takes little (A20).

unsafe extern "C" {
    fn fork() -> i32;
}

fn main() {
    for _ in 0..64 {
        if unsafe { fork() } == 0 {
            break;
        }
    }
    let _much = std::hint::black_box(vec![1u8; 48 << 20]);
    loop {
        std::thread::park();
    }
}
