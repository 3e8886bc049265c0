//! What a process gives up before it starts a program in its place.

use std::fs;
use std::path::Path;

use caps::{CapSet, Capability};
use nix::unistd::{Gid, Uid, chown, setgid, setgroups, setuid};

/// Forbids the memory, the messages and the semaphores that belong to no process (sysvipc(7)): they
/// could not be measured. Kernels older than Linux 6.9 do not allow that; then they stay.
pub fn forbid_system_v_ipc() {
    for limit in ["shmmni", "msgmni", "sem"] {
        let _ = fs::write(format!("/proc/sys/kernel/{limit}"), "0 0 0 0");
    }
}

/// Gives up all rights but one, now and for all programs that are started.
pub fn keep_only(right: Capability) {
    let others = caps::all().into_iter().filter(|other| *other != right);
    for other in others {
        // A right that this kernel does not know is none.
        let _ = caps::drop(None, CapSet::Bounding, other);
    }
}

/// Makes a folder that of a user.
///
/// # Errors
/// This is not root.
pub fn give_away(folder: &Path, user: u32) -> Result<(), String> {
    chown(folder, Some(Uid::from_raw(user)), Some(Gid::from_raw(user)))
        .map_err(|error| format!("give {} to user {user}: {error}", folder.display()))
}

/// Becomes a user, for good.
///
/// # Errors
/// This is not root.
pub fn become_user(user: u32) -> Result<(), String> {
    let (new_user, new_group) = (Uid::from_raw(user), Gid::from_raw(user));
    setgroups(&[])
        .and_then(|()| setgid(new_group))
        .and_then(|()| setuid(new_user))
        .map_err(|error| format!("become user {user}: {error}"))
}
