//! Files that change how Cargo compiles a program. The grader uses its own: a student whose program
//! needs others must learn why it does not compile.

use std::fs;

use checks::exercise::{self, Exercise};
use toml::Table;

use super::layout::Layout;
use super::source::Contents;
use super::{named, shown};

/// A file of settings in a submission, and the one that was handed out in its place.
pub(super) struct Setting {
    /// Its path in the submission.
    pub path: String,
    /// What it is called.
    name: &'static str,
    /// The path of the one that was handed out, from the top of the repository.
    handed_out: String,
}

const MANIFEST: &str = "Cargo.toml";

const NAMES: [&str; 6] = [
    MANIFEST,
    "build.rs",
    ".cargo/config.toml",
    ".cargo/config",
    "rust-toolchain.toml",
    "rust-toolchain",
];

/// The sections of a manifest that change what is compiled, and how.
const SECTIONS: [&str; 10] = [
    "dependencies",
    "build-dependencies",
    "target",
    "features",
    "profile",
    "patch",
    "replace",
    "bin",
    "lib",
    "workspace",
];

/// The same for keys of `[package]`.
const PACKAGE_KEYS: [&str; 3] = ["build", "links", "autobins"];

/// The files of settings that could apply to a program.
pub(super) fn around(layout: &Layout, exercise: &Exercise) -> Vec<Setting> {
    let package = format!("exercises/{}/", exercise.key);
    let folders = [(&layout.package, package.as_str()), (&layout.repository, "")];
    let mut settings = Vec::new();
    for (folder, handed_out) in folders {
        let Some(folder) = folder else { continue };
        settings.extend(NAMES.map(|name| Setting {
            path: format!("{folder}{name}"),
            name,
            handed_out: format!("{handed_out}{name}"),
        }));
    }
    settings
}

/// A remark for each file of settings that is other than handed out.
pub(super) fn remarks(settings: &[Setting], contents: &Contents) -> Vec<String> {
    settings.iter().filter_map(|setting| remark(setting, contents)).collect()
}

fn remark(setting: &Setting, contents: &Contents) -> Option<String> {
    let path = named(&setting.path);
    let bytes = match contents.get(&setting.path)? {
        Ok(bytes) => bytes,
        Err(reason) => return Some(format!("{path}: ignored: {reason}")),
    };
    let handed_out = fs::read(exercise::workspace().join(&setting.handed_out)).ok();
    if handed_out.as_ref() == Some(bytes) {
        return None;
    }
    if setting.name != MANIFEST {
        return Some(format!(
            "{path}: ignored: the grader compiles with its own settings"
        ));
    }
    let parsed = |bytes: &[u8]| str::from_utf8(bytes).ok()?.parse::<Table>().ok();
    let Some(manifest) = parsed(bytes) else {
        return Some(format!("{path}: ignored, and it is no valid manifest"));
    };
    let handed_out = handed_out.and_then(|bytes| parsed(&bytes)).unwrap_or_default();
    let changed = changed_sections(&manifest, &handed_out);
    if changed.is_empty() {
        return None;
    }
    Some(format!(
        "{path}: ignored: the grader compiles with the manifest that was handed out; this one \
         has other {}",
        changed.join(", ")
    ))
}

/// The sections that are other than handed out. What is left out is no change: a program that
/// does not need it compiles with it, too.
fn changed_sections(manifest: &Table, handed_out: &Table) -> Vec<String> {
    let mut changed = Vec::new();
    for section in SECTIONS {
        let Some(value) = manifest.get(section) else { continue };
        // An empty `[dependencies]`, as `cargo new` writes it, says nothing.
        let is_empty = value.as_table().is_some_and(Table::is_empty);
        if is_empty || handed_out.get(section) == Some(value) {
            continue;
        }
        let names = match value.as_table() {
            Some(table) if section == "dependencies" => {
                let names: Vec<&str> = table.keys().map(String::as_str).collect();
                format!(" ({})", shown(&names.join(", "), 60))
            }
            _ => String::new(),
        };
        changed.push(format!("`{section}`{names}"));
    }
    let key = |table: &Table, key: &str| table.get("package")?.get(key).cloned();
    for name in PACKAGE_KEYS {
        let value = key(manifest, name);
        if value.is_some() && value != key(handed_out, name) {
            changed.push(format!("`package.{name}`"));
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str) -> Vec<String> {
        let handed_out = "[package]\nname = \"echo-exercise\"\n[[bin]]\nname = \"e\"\n";
        let parse = |text: &str| text.parse::<Table>().expect("TOML");
        changed_sections(&parse(text), &parse(handed_out))
    }

    #[test]
    fn a_manifest_that_compiles_the_same_is_no_change() {
        assert!(changed("[package]\nname = \"mine\"\nedition = \"2021\"\n").is_empty());
        assert!(changed("[dependencies]\n[[bin]]\nname = \"e\"\n").is_empty());
    }

    #[test]
    fn every_section_that_compiles_otherwise_is_named() {
        let manifest = "[package]\nbuild = \"x.rs\"\n\
                        [dependencies]\nrand = \"0.9\"\ntokio = \"1\"\n\
                        [profile.dev]\npanic = \"abort\"\n\
                        [patch.crates-io]\nlibc = \"1\"\n\
                        [[bin]]\nname = \"rustc\"\n";
        let dependencies = "`dependencies` (rand, tokio)";
        assert_eq!(
            changed(manifest),
            [dependencies, "`profile`", "`patch`", "`bin`", "`package.build`"]
        );
    }
}
