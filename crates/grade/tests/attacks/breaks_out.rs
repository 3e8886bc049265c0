//! Tries all that could lead out of its box (A18, A33), and serves honestly.

use std::ffi::CStr;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::ptr::null;

unsafe extern "C" {
    fn unshare(flags: i32) -> i32;
    fn setns(descriptor: i32, kind: i32) -> i32;
    fn mount(
        from: *const i8,
        to: *const i8,
        kind: *const i8,
        flags: u64,
        data: *const i8,
    ) -> i32;
    fn umount2(target: *const i8, flags: i32) -> i32;
    fn chroot(path: *const i8) -> i32;
    fn setuid(user: u32) -> i32;
    fn setgid(group: u32) -> i32;
    fn setgroups(number: usize, groups: *const u32) -> i32;
    fn sethostname(name: *const i8, length: usize) -> i32;
    fn setrlimit(resource: i32, limits: *const [u64; 2]) -> i32;
    fn setpriority(which: i32, who: u32, priority: i32) -> i32;
    fn mknod(path: *const i8, mode: u32, device: u64) -> i32;
    fn ptrace(request: i64, process: i64, address: i64, data: i64) -> i64;
    fn prctl(option: i32, ...) -> i32;
    fn swapoff(path: *const i8) -> i32;
    fn reboot(how: i32) -> i32;
    fn acct(path: *const i8) -> i32;
    fn personality(what: u64) -> i32;
}

/// A thing that must be refused.
fn refused(what: &str, result: i32) {
    if result == 0 {
        breach(what);
    }
}

fn main() -> std::io::Result<()> {
    let text = |text: &'static CStr| text.as_ptr();
    for (name, flag) in [
        ("user", 0x1000_0000),
        ("mount", 0x0002_0000),
        ("process", 0x2000_0000),
        ("network", 0x4000_0000),
        ("IPC", 0x0800_0000),
        ("host name", 0x0400_0000),
        ("cgroup", 0x0200_0000),
        ("time", 0x80),
    ] {
        refused(&format!("a new {name} namespace"), unsafe { unshare(flag) });
    }
    for name in ["mnt", "pid", "net", "user", "ipc", "uts", "cgroup"] {
        for process in ["1", "self"] {
            if let Ok(file) = File::open(format!("/proc/{process}/ns/{name}")) {
                // One's own user namespace cannot be entered again: that is an error, too.
                refused(&format!("the {name} namespace of {process}"), unsafe {
                    setns(file.as_raw_fd(), 0)
                });
            }
        }
    }
    unsafe {
        refused("mounted", mount(text(c"x"), text(c"/tmp"), text(c"tmpfs"), 0, null()));
        const MS_REMOUNT_BIND: u64 = 32 | 4096;
        refused(
            "made / writable",
            mount(null(), text(c"/"), null(), MS_REMOUNT_BIND, null()),
        );
        refused("unmounted /proc", umount2(text(c"/proc"), 2));
        refused("unmounted its program", umount2(text(c"/program/echo-exercise"), 2));
        refused("changed the root", chroot(text(c"/tmp")));
        refused("became root", setuid(0));
        refused("became somebody else", setuid(1));
        refused("is in the group root", setgid(0));
        refused("is in more groups", setgroups(1, &0));
        refused("renamed the host", sethostname(text(c"mine"), 4));
        for (name, resource) in [("processor", 0), ("file", 1), ("processes", 6)] {
            let more = [1 << 40, 1 << 40];
            refused(&format!("raised the limit: {name}"), setrlimit(resource, &more));
        }
        refused("raised the limit: descriptors", setrlimit(7, &[4096, 4096]));
        refused("raised the limit: addresses", setrlimit(9, &[u64::MAX, u64::MAX]));
        refused("goes before others", setpriority(0, 0, -5));
        const BLOCK: u32 = 0o060_000;
        refused("made a device", mknod(text(c"/tmp/disk"), BLOCK | 0o600, 0xfe00));
        const ATTACH: i64 = 16;
        const SEIZE: i64 = 0x4206;
        refused("traces the warder", ptrace(ATTACH, 1, 0, 0) as i32);
        refused("traces the warder", ptrace(SEIZE, 1, 0, 0) as i32);
        const NO_NEW_PRIVS: i32 = 38;
        refused("may get more rights", prctl(NO_NEW_PRIVS, 0u64, 0u64, 0u64, 0u64));
        refused("took the swap away", swapoff(text(c"/dev/vda")));
        refused("restarted the machine", reboot(0));
        refused("keeps accounts", acct(text(c"/tmp/accounts")));
        let _ = personality(0x0040_0000); // Addresses as they are: this harms only itself.
    }
    if fs::write("/proc/self/uid_map", "0 0 1").is_ok() {
        breach("changed who it is");
    }
    if fs::write("/proc/self/oom_score_adj", "-1000").is_ok() {
        breach("will be the last to be ended when memory is short");
    }
    serve()
}
