//! Tries to write, rename and remove outside of its own folder, and serves honestly.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::symlink;
use std::path::Path;

const FOLDERS: &str = "/ .. /tmp /var/tmp /dev/shm /etc /root /home /run @OUTSIDE@";

fn main() -> std::io::Result<()> {
    for folder in FOLDERS.split_whitespace().map(Path::new) {
        let file = folder.join("left-by-@MARK@");
        let made = File::create(&file).is_ok()
            || symlink("/etc/passwd", &file).is_ok()
            || fs::create_dir(&file).is_ok()
            || fs::hard_link("@CANARY@", &file).is_ok();
        if made {
            breach(format!("made {}", file.display()));
        }
    }
    let canary = Path::new("@CANARY@");
    if OpenOptions::new().append(true).open(canary).is_ok() {
        breach("opened a file outside for writing");
    }
    if fs::remove_file(canary).is_ok() || fs::rename(canary, "mine").is_ok() {
        breach("took a file outside away");
    }
    let program = std::env::current_exe()?;
    if OpenOptions::new().write(true).open(&program).is_ok() || fs::remove_file(&program).is_ok() {
        breach("changed its own program");
    }
    // Its own folder it may use, and the devices.
    fs::write("own", "own")?;
    fs::write(std::env::temp_dir().join("own"), "own")?;
    fs::rename("own", "other")?;
    fs::remove_file("other")?;
    fs::write("/dev/null", "nothing")?;
    serve()
}
