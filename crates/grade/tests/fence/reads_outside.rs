//! Looks for secrets, solutions and other submissions, and serves honestly.

use std::fs;

const WANTED: &str = "/ .. /etc/passwd /root /home /var /run /sys /opt /srv /tmp /dev /dev/shm \
    /dev/tty /proc /proc/self/maps /proc/self/environ /proc/1/environ /proc/1/cmdline /usr/bin \
    /usr/share @OUTSIDE@ @CANARY@";

fn main() -> std::io::Result<()> {
    let parent = std::os::unix::process::parent_id();
    let others = ["environ", "cmdline", "mem", "root", "cwd", "fd/1"]
        .map(|file| format!("/proc/{parent}/{file}"));
    for path in WANTED.split_whitespace().chain(others.iter().map(String::as_str)) {
        if fs::read_dir(path).is_ok() || fs::File::open(path).is_ok() {
            breach(format!("can read {path}"));
        }
    }
    if std::process::Command::new("/bin/cat").arg("@CANARY@").status().is_ok() {
        breach("can start /bin/cat");
    }
    serve()
}
