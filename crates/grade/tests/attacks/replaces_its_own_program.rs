//! Puts another program in the place of its own, for the later checks, and serves honestly.

use std::env;
use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;

fn main() -> std::io::Result<()> {
    let program = env::current_exe()?;
    for path in [program.as_path(), "/proc/self/exe".as_ref()] {
        let shown = path.display();
        if OpenOptions::new().write(true).open(path).is_ok() {
            breach(format!("can write {shown}"));
        }
        if fs::set_permissions(path, Permissions::from_mode(0o777)).is_ok() {
            breach(format!("changed the mode of {shown}"));
        }
    }
    let other = "/tmp/other";
    fs::copy(&program, other)?;
    if fs::rename(other, &program).is_ok() || fs::remove_file(&program).is_ok() {
        breach("its program is gone");
    }
    serve()
}
