//! Looks at itself (A18, A27, A33): environment, descriptors, user, rights, processes; serves honestly.

use std::env;
use std::fs;

unsafe extern "C" {
    fn fcntl(descriptor: i32, command: i32, ...) -> i32;
    fn getuid() -> u32;
    fn getpid() -> i32;
    fn getppid() -> i32;
}

const VARIABLES: [&str; 5] = ["HOME", "LC_ALL", "NO_COLOR", "PATH", "TERM"];

fn main() -> std::io::Result<()> {
    for (name, value) in env::vars_os() {
        if !VARIABLES.iter().any(|known| name == *known) {
            breach(format!("{name:?} is {value:?}"));
        }
    }
    const F_GETFD: i32 = 1;
    for descriptor in 3..1024 {
        if unsafe { fcntl(descriptor, F_GETFD) } != -1 {
            breach(format!("descriptor {descriptor} is open"));
        }
    }
    let (user, process, parent) = unsafe { (getuid(), getpid(), getppid()) };
    if (user, parent) != (1000, 1) {
        breach(format!("user {user}, parent {parent}"));
    }
    let status = fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or("?").trim().to_owned()
    };
    for rights in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        if field(rights).trim_matches('0') != "" {
            breach(format!("{rights} {}", field(rights)));
        }
    }
    if field("NoNewPrivs:") != "1" {
        breach("a program with more rights could be started");
    }
    if field("Groups:") != "@GROUPS@" {
        breach(format!("groups: {}", field("Groups:")));
    }
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let own = process.to_string();
        if !["1", &own, "self", "thread-self"].contains(&name.as_str()) {
            breach(format!("there is a /proc/{name}"));
        }
    }
    if fs::read_to_string("/proc/self/net/tcp")?.lines().count() > 1 {
        breach("there are others in its network");
    }
    serve()
}
