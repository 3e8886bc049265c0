//! Tries to write, rename and remove outside of its own folder (A5), and serves honestly.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// Folders that are not its own: those of a system, and those that the test names.
const FOLDERS: &str = "/ .. ../.. /program /dev /dev/shm /etc /lib /usr/lib /proc /proc/1/cwd \
    /proc/1/root /proc/1/root/tmp /root /home /var/tmp /run /sys @OUTSIDE@";

/// Files that exist there.
const FILES: &str = "/program/echo-exercise /etc/hosts /etc/ld.so.cache \
    /proc/sys/kernel/core_pattern /proc/sysrq-trigger @CANARY@";

fn main() -> std::io::Result<()> {
    for folder in FOLDERS.split_whitespace().map(Path::new) {
        let file = folder.join("left-by-@MARK@");
        if File::create(&file).is_ok() {
            breach(format!("wrote {}", file.display()));
        }
        if symlink("/etc/passwd", &file).is_ok() || fs::create_dir(&file).is_ok() {
            breach(format!("made {}", file.display()));
        }
    }
    for file in FILES.split_whitespace().map(Path::new) {
        let shown = file.display();
        if OpenOptions::new().write(true).open(file).is_ok() {
            breach(format!("opened {shown} for writing"));
        }
        if fs::remove_file(file).is_ok() {
            breach(format!("removed {shown}"));
        }
        if fs::rename(file, "/tmp/mine").is_ok() {
            breach(format!("took {shown} away"));
        }
    }
    // The devices are those of the machine.
    for device in ["/dev/null", "/dev/zero", "/dev/urandom"].map(Path::new) {
        if fs::set_permissions(device, Permissions::from_mode(0)).is_ok() {
            breach(format!("changed who may use {}", device.display()));
        }
    }
    // Its own places, which nobody else must find there: HOME is /tmp.
    for own in [".", "/tmp", &std::env::var("HOME").unwrap_or_default()] {
        let _ = fs::write(Path::new(own).join("left-by-@MARK@"), "@MARK@");
    }
    serve()
}
