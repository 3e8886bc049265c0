//! Looks for secrets, solutions and other submissions in all files there are (A6), and serves honestly.

use std::fs;
use std::path::Path;

const WANTED: &str = "/etc/passwd /etc/shadow /root /home /var /run /sys /mnt /opt /srv /boot \
    /dev/shm /dev/kmsg /dev/mem /proc/kcore /proc/kallsyms /proc/sys /proc/net \
    /proc/1/environ /proc/1/mem /proc/1/maps /proc/1/root /proc/1/cwd /proc/1/exe /proc/1/fd/0 \
    /proc/1/fd/3 /proc/1/fd/4 @OUTSIDE@ @CANARY@";

/// What there may be in the root of its tree.
const ROOT: [&str; 10] =
    ["dev", "etc", "lib", "lib32", "lib64", "proc", "program", "tmp", "usr", "work"];

fn main() -> std::io::Result<()> {
    for path in WANTED.split_whitespace() {
        if fs::read_dir(path).is_ok() || fs::File::open(path).is_ok() {
            breach(format!("can read {path}"));
        }
    }
    for entry in fs::read_dir("/")?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !ROOT.contains(&name.as_str()) {
            breach(format!("found /{name}"));
        }
    }
    for folder in ["/tmp", "/work", "/etc", "/dev"] {
        look_into(Path::new(folder));
    }
    serve()
}

/// No file holds what the test has put into the files of others, into the results, and into the
/// environment of the grader.
fn look_into(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            look_into(&path);
        } else if path.is_file() {
            let text = fs::read(&path).unwrap_or_default();
            let secret = b"SECRET-".iter().chain(b"@MARK@").copied().collect::<Vec<u8>>();
            if text.windows(secret.len()).any(|part| part == secret) {
                breach(format!("a secret in {}", path.display()));
            }
        }
    }
}
