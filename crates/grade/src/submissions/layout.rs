//! Which files of a submission are the program.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Listing;
use super::{MAX_DEPTH, MAX_FILES, is_hidden, named};

/// The files of a program.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// For each file as it is staged, such as `src/main.rs`: the file of the submission.
    pub files: BTreeMap<String, String>,
    /// The folder of the package in the submission, if it has one; ends with `/` unless empty.
    pub package: Option<String>,
    /// The top of the copy of the repository, if it is one; ends with `/` unless empty.
    pub repository: Option<String>,
    /// What belongs to the program and still does not count: the path, and the reason.
    pub ignored: Vec<(String, String)>,
}

/// Finds the program of an exercise in a submission.
///
/// Looked for are, in this order: the exercise in a copy of the repository, a package, a `main.rs`
/// with the files around it, a single `.rs` file; each also in a folder in which all of it lies.
///
/// # Errors
/// There is none, or there are more: what was looked for, and what is there.
pub(super) fn find(listing: &Listing, key: &str) -> Result<Layout, String> {
    let layout = choose(listing, key)?;
    if !layout.files.contains_key("src/main.rs") {
        return Err(no_program(listing, key));
    }
    if layout.files.len() > MAX_FILES {
        return Err(format!(
            "the program has {} files; more than {MAX_FILES} are not taken",
            layout.files.len()
        ));
    }
    Ok(layout)
}

fn choose(listing: &Listing, key: &str) -> Result<Layout, String> {
    let tops = tops(listing);
    for top in &tops {
        let package = format!("{top}exercises/{key}/");
        if holds_rust(listing, &format!("{package}src/")) {
            let repository = Some(top.clone());
            return Ok(Layout { repository, ..take_package(listing, &package) });
        }
    }
    if holds_rust(listing, "src/") {
        return Ok(take_package(listing, ""));
    }
    if listing.files.contains("main.rs") {
        return Ok(take(listing, ""));
    }
    let is_package = |top: &&String| holds_rust(listing, &format!("{top}src/"));
    let packages: Vec<&String> = tops.iter().filter(is_package).collect();
    let of_exercise = packages.iter().find(|top| top.strip_suffix('/') == Some(key));
    match (&packages[..], of_exercise) {
        ([top], _) | (_, Some(top)) => return Ok(take_package(listing, top)),
        ([], None) => {}
        (several, None) => {
            let names: Vec<String> =
                several.iter().map(|top| named(&format!("{top}src"))).collect();
            return Err(format!(
                "there is more than one program: {}: hand in one of them",
                names.join(", ")
            ));
        }
    }
    for top in &tops {
        if listing.files.contains(&format!("{top}main.rs")) {
            return Ok(take(listing, top));
        }
        let is_here = |path: &&String| {
            let name = path.strip_prefix(top.as_str());
            name.is_some_and(|name| !name.contains('/') && name.ends_with(".rs"))
        };
        let here: Vec<&String> = listing.files.iter().filter(is_here).collect();
        if let [only] = here[..] {
            let files = BTreeMap::from([("src/main.rs".to_owned(), only.clone())]);
            return Ok(Layout { files, ..Layout::default() });
        }
    }
    Ok(Layout::default())
}

/// The top of the submission, and the folders in it: where a program can begin.
fn tops(listing: &Listing) -> Vec<String> {
    let folders: BTreeSet<String> = (listing.files.iter())
        .filter_map(|path| path.split_once('/'))
        .map(|(folder, _)| format!("{folder}/"))
        .collect();
    [String::new()].into_iter().chain(folders).collect()
}

fn holds_rust(listing: &Listing, folder: &str) -> bool {
    listing.files.iter().any(|path| path.starts_with(folder) && path.ends_with(".rs"))
}

fn take_package(listing: &Listing, package: &str) -> Layout {
    let layout = take(listing, &format!("{package}src/"));
    Layout { package: Some(package.to_owned()), ..layout }
}

/// Takes the `.rs` files below a folder as those of `src`.
fn take(listing: &Listing, src: &str) -> Layout {
    let mut layout = Layout::default();
    for path in listing.files.iter().filter(|path| path.starts_with(src)) {
        let below = &path[src.len()..];
        let reason = if !path.ends_with(".rs") {
            // What lies beside a bare `main.rs` need not belong to it.
            if !src.ends_with("src/") {
                continue;
            }
            "only `.rs` files are taken: it is not there when the program is compiled"
        } else if below.matches('/').count() > MAX_DEPTH {
            "it lies too deep"
        } else if below.chars().any(is_hidden) {
            "its name holds characters that cannot be seen"
        } else {
            layout.files.insert(format!("src/{below}"), path.clone());
            continue;
        };
        layout.ignored.push((path.clone(), reason.to_owned()));
    }
    ignore_collisions(&mut layout);
    layout
}

/// Takes out what would be one file where case makes no difference, and files that would have to
/// be folders, too. Lower case comes last in the order of the bytes, and stays: that is how Rust
/// names its files.
fn ignore_collisions(layout: &mut Layout) {
    let mut folded: BTreeMap<String, String> = BTreeMap::new();
    for path in layout.files.keys().rev() {
        folded.entry(path.to_lowercase()).or_insert_with(|| path.clone());
    }
    let reason = |path: &str| {
        let same = folded.get(&path.to_lowercase()).filter(|same| *same != path);
        if let Some(same) = same {
            return Some(format!("its name differs only in case from {}", named(same)));
        }
        let mut above =
            path.match_indices('/').map(|(end, _)| path[..end].to_lowercase());
        let file = above.find_map(|folder| folded.get(&folder))?;
        Some(format!("{} is a file and cannot be a folder", named(file)))
    };
    let ignored: Vec<(String, String)> = (layout.files.keys())
        .filter_map(|path| Some((path.clone(), reason(path)?)))
        .collect();
    for (path, reason) in ignored {
        if let Some(source) = layout.files.remove(&path) {
            layout.ignored.push((source, reason));
        }
    }
}

/// So many names are shown of what was found instead.
const SHOWN: usize = 8;

fn no_program(listing: &Listing, key: &str) -> String {
    let mut found: Vec<String> = (listing.refused.iter())
        .map(|(path, reason)| format!("{} ({reason})", named(path)))
        .collect();
    // What looks most like a program first.
    let (rust, others): (Vec<&String>, Vec<&String>) =
        listing.files.iter().partition(|path| path.to_lowercase().ends_with(".rs"));
    found.extend(rust.into_iter().chain(others).map(|path| named(path)));
    let more = found.len().saturating_sub(SHOWN);
    found.truncate(SHOWN);
    if more > 0 {
        found.push(format!("and {more} more"));
    }
    let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
    format!(
        "there is no program: looked for `src/main.rs`, `exercises/{key}/src/main.rs`, \
         `main.rs` or a single `.rs` file, here and one folder down; found {found}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(paths: &[&str]) -> Listing {
        let files = paths.iter().map(|path| (*path).to_owned()).collect();
        Listing { files, ..Listing::default() }
    }

    fn found(paths: &[&str]) -> Vec<(String, String)> {
        find(&listing(paths), "04-echo").expect("a program").files.into_iter().collect()
    }

    fn main_is(source: &str) -> Vec<(String, String)> {
        vec![("src/main.rs".to_owned(), source.to_owned())]
    }

    #[test]
    fn every_form_of_a_program_is_found() {
        for main in [
            "src/main.rs",
            "echo/src/main.rs",
            "exercises/04-echo/src/main.rs",
            "course/exercises/04-echo/src/main.rs",
            "main.rs",
            "work/main.rs",
            "echo.rs",
            "work/my echo.rs",
        ] {
            assert_eq!(found(&[main, "README.md"]), main_is(main), "{main}");
        }
    }

    #[test]
    fn only_the_exercise_counts_in_a_copy_of_the_repository() {
        let main = "c/exercises/04-echo/src/main.rs";
        let paths = [
            main,
            "c/exercises/04-echo/starter.rs",
            "c/exercises/03-hello/src/main.rs",
            "c/solutions/04-echo/src/main.rs",
        ];
        assert_eq!(found(&paths), main_is(main));
    }

    #[test]
    fn of_several_packages_the_one_of_the_exercise_counts() {
        let packages = ["03-hello/src/main.rs", "04-echo/src/main.rs"];
        assert_eq!(found(&packages), main_is("04-echo/src/main.rs"));
        let error = find(&listing(&["a/src/main.rs", "b/src/main.rs"]), "04-echo");
        assert_eq!(
            error.expect_err("two programs"),
            "there is more than one program: `a/src`, `b/src`: hand in one of them"
        );
    }

    #[test]
    fn files_beside_main_are_modules() {
        let files = found(&["main.rs", "net.rs", "net/tcp.rs"]);
        let staged: Vec<&str> = files.iter().map(|(staged, _)| staged.as_str()).collect();
        assert_eq!(staged, ["src/main.rs", "src/net.rs", "src/net/tcp.rs"]);
    }

    #[test]
    fn a_file_cannot_be_a_folder_as_well() {
        let listing = listing(&["src/main.rs", "src/a.rs", "src/A.rs/b.rs"]);
        let layout = find(&listing, "04-echo").expect("a program");
        assert_eq!(layout.files.len(), 2);
        let reason = "`src/a.rs` is a file and cannot be a folder".to_owned();
        assert_eq!(layout.ignored, [("src/A.rs/b.rs".to_owned(), reason)]);
    }
}
