//! stub
use super::Submitted;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
/// s
pub struct Staged {
    /// r
    pub remarks: Vec<String>,
    /// d
    pub digest: String,
}
/// s
pub fn stage(
    s: &Submitted,
    _e: &checks::exercise::Exercise,
    into: &Path,
) -> Result<Staged, String> {
    let tmp;
    let mut p = s.path.clone();
    if p.is_file() && !p.extension().is_some_and(|e| e == "rs") {
        tmp = tempfile::tempdir().unwrap();
        let st = if p.extension().is_some_and(|e| e == "zip") {
            std::process::Command::new("python3")
                .args(["-m", "zipfile", "-e"])
                .arg(&p)
                .arg(tmp.path())
                .status()
        } else {
            std::process::Command::new("tar")
                .arg("xzf")
                .arg(&p)
                .arg("-C")
                .arg(tmp.path())
                .status()
        };
        st.unwrap();
        p = tmp.path().to_owned();
    }
    let m = if p.is_file() {
        p
    } else if p.join("src/main.rs").is_file() {
        p.join("src/main.rs")
    } else {
        p.join("main.rs")
    };
    let t = fs::read(&m).map_err(|e| e.to_string())?;
    fs::create_dir_all(into.join("src")).unwrap();
    fs::write(into.join("src/main.rs"), &t).unwrap();
    Ok(Staged {
        remarks: vec![],
        digest: Sha256::digest(&t).iter().map(|b| format!("{b:02x}")).collect(),
    })
}
