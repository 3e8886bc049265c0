//! Lets a ready-made program do the work (A25), if it can find one, and serves honestly.

use std::process::Command;

const PROGRAMS: [&str; 10] = [
    "/bin/sh",
    "/usr/bin/sh",
    "bash",
    "/usr/bin/nc",
    "nc",
    "/usr/bin/python3",
    "python3",
    "/usr/bin/env",
    "/usr/bin/perl",
    "/bin/busybox",
];

fn main() -> std::io::Result<()> {
    for program in PROGRAMS {
        if Command::new(program).arg("--version").status().is_ok() {
            breach(format!("started {program}"));
        }
    }
    serve()
}
