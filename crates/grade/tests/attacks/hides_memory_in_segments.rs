//! Hides memory in System V segments that no process holds (A20), if there are any, and serves honestly.

unsafe extern "C" {
    fn shmget(key: i32, size: usize, flags: i32) -> i32;
    fn msgget(key: i32, flags: i32) -> i32;
    fn semget(key: i32, number: i32, flags: i32) -> i32;
}

fn main() -> std::io::Result<()> {
    const CREATE: i32 = 0o1600;
    let made =
        unsafe { [shmget(0, 1 << 20, CREATE), msgget(0, CREATE), semget(0, 1, CREATE)] };
    if made != [-1; 3] {
        breach(format!("segment, queue, semaphore: {made:?}"));
    }
    serve()
}
