//! What students hand in, at its worst: links, pipes, bombs, strange names, and archives that lie.
//! And points by hand.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use checks::exercise::{self, Detail, Exercise};
use flate2::{Compress, Compression, Crc, FlushCompress};
use grade::overrides::{self, Overrides};
use grade::results::{
    CheckInfo, ExerciseInfo, GraderInfo, Results, Row, Submission, Times, Verdict,
};
use grade::submissions::{
    Discovered, Form, Roster, Staged, Submitted, discover, shown, single, stage,
};
use tempfile::TempDir;

const MAIN: &str = "fn main() {}\n";

/// Stands in files that no submission may get at.
const CANARY: &str = "// canary: nobody may read this\nfn main() {}\n";

fn exercise() -> Exercise {
    checks::exercises::by_key("04-echo").expect("the exercise")
}

/// A folder of submissions, a place outside it, and a place to stage into.
struct Class {
    temporary: TempDir,
}

impl Class {
    fn new() -> Class {
        let temporary = TempDir::new().expect("a temporary folder");
        for name in ["submissions", "outside", "staged"] {
            fs::create_dir(temporary.path().join(name)).expect("a folder");
        }
        let class = Class { temporary };
        for name in ["main.rs", "src/main.rs", "lib.rs"] {
            class.write(&format!("../outside/{name}"), CANARY);
        }
        class
    }

    fn path(&self, path: &str) -> PathBuf {
        self.temporary.path().join("submissions").join(path)
    }

    /// Writes a file of a submission.
    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    /// Makes a link of a submission to something outside.
    fn link(&self, path: &str, outside: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        symlink(self.temporary.path().join("outside").join(outside), path)
            .expect("a link");
    }

    fn discover(&self, roster: Option<&str>) -> Discovered {
        let roster = roster.map(|text| {
            let file = self.temporary.path().join("roster.csv");
            fs::write(&file, text).expect("a roster");
            Roster::read(&file).expect("a roster")
        });
        discover(&self.path(""), &exercise(), roster.as_ref()).expect("submissions")
    }

    /// Stages the submission of `ada`. To unpack all of a bomb would take minutes.
    fn stage(&self) -> Result<Staged, String> {
        let found = self.discover(None);
        let [submitted] = &found.submissions[..] else {
            panic!("one submission is expected: {found:?}");
        };
        let started = Instant::now();
        let staged = stage(submitted, &exercise(), &self.staged());
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
        self.assert_canary_unread(&staged);
        staged
    }

    fn staged(&self) -> PathBuf {
        self.temporary.path().join("staged/ada")
    }

    /// Neither a staged file nor a remark holds anything from outside.
    fn assert_canary_unread(&self, staged: &Result<Staged, String>) {
        assert!(!format!("{staged:?}").contains("canary"));
        for (path, text) in tree(&self.staged()) {
            assert!(!text.contains("canary"), "{path} holds the canary");
            assert!(!text.contains("root:"), "{path} holds /etc/passwd");
        }
    }

    fn error(&self) -> String {
        let error = self.stage().expect_err("refused");
        assert!(!self.staged().exists(), "something was written");
        error
    }
}

/// All files below a folder, with their text.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| !entry.file_type().is_dir())
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).expect("inside").display();
            let text = fs::read(entry.path()).expect("a file");
            (path.to_string(), String::from_utf8_lossy(&text).into_owned())
        })
        .collect()
}

/// There is a line with all these words.
fn assert_line(lines: &[String], words: &[&str]) {
    let has_all = |line: &&String| words.iter().all(|word| line.contains(word));
    assert!(lines.iter().any(|line| has_all(&line)), "no line has {words:?}: {lines:#?}");
}

// ---- finding ----

#[test]
fn folders_archives_and_files_are_found_in_the_order_of_the_ids() {
    let class = Class::new();
    class.write("zoe/main.rs", MAIN);
    class.write("ada.ZIP", "");
    class.write("bob.tar.gz", "");
    class.write("eve.tgz", "");
    class.write("dan.rs", MAIN);
    class.write(".DS_Store", "");
    class.write("__MACOSX/x", "");
    let found = class.discover(None);
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let known: Vec<(&str, &str, Form)> = (found.submissions.iter())
        .map(|s| (s.student.as_str(), s.source.as_str(), s.form))
        .collect();
    assert_eq!(
        known,
        [
            ("ada", "ada.ZIP", Form::Zip),
            ("bob", "bob.tar.gz", Form::TarGz),
            ("dan", "dan.rs", Form::RustFile),
            ("eve", "eve.tgz", Form::TarGz),
            ("zoe", "zoe", Form::Folder),
        ]
    );
}

#[test]
fn what_is_no_submission_is_said_and_not_followed() {
    let class = Class::new();
    class.write("ada/main.rs", MAIN);
    class.write("notes.txt", "");
    class.write("bob.rar", "");
    class.link("eve", "src");
    class.link("dan.rs", "main.rs");
    nix::unistd::mkfifo(&class.path("pipe.rs"), nix::sys::stat::Mode::S_IRWXU)
        .expect("a pipe");
    let found = class.discover(None);
    assert_eq!(found.submissions.len(), 1);
    assert_eq!(found.problems.len(), 5);
    assert_line(&found.problems, &["`eve`", "a link, which is not followed"]);
    assert_line(&found.problems, &["`dan.rs`", "a link, which is not followed"]);
    assert_line(&found.problems, &["`pipe.rs`", "a pipe"]);
    assert_line(&found.problems, &["`bob.rar`", "no folder, no .zip"]);
    assert_line(&found.problems, &["`notes.txt`", "no folder, no .zip"]);
}

#[test]
fn two_submissions_of_one_student_are_not_merged() {
    let class = Class::new();
    class.write("ada/main.rs", MAIN);
    class.write("Ada .rs", MAIN);
    class.write("bob.rs", MAIN);
    let found = class.discover(None);
    assert_eq!(found.submissions.len(), 1);
    assert_line(&found.problems, &["more than one submission", "`Ada .rs`", "`ada`"]);
    let found = class.discover(Some("id,folder\nada,ada\nbob,\n"));
    let sources: Vec<&str> =
        found.submissions.iter().map(|s| s.source.as_str()).collect();
    assert_eq!(sources, ["ada", "bob.rs"]);
    assert_line(&found.problems, &["`Ada .rs`: not graded: the roster names `ada`"]);
}

#[test]
fn a_roster_says_who_is_who() {
    let class = Class::new();
    class.write("ADA/main.rs", MAIN);
    class.write("work-of-bob.zip", "");
    class.write("Eve Example_77_assignsubmission_file_/main.rs", MAIN);
    class.write("Eve Example_77_assignsubmission_onlinetext_/x.html", "");
    class.write("gus_4711_90210_echo.zip", "");
    class.write("mallory/main.rs", MAIN);
    class.write("Two Same/main.rs", MAIN);
    let roster = "id,name,folder\n\
                  ada,Ada Lovelace,\n\
                  bob,Bob,work-of-bob.zip\n\
                  dan,Dan Dorn,\n\
                  eve,eve example,\n\
                  4711,Gus,\n\
                  lost,,nowhere\n\
                  s1,Two Same,\ns2,Two Same,\n";
    let found = class.discover(Some(roster));
    let known: Vec<(&str, &str)> = (found.submissions.iter())
        .map(|s| (s.student.as_str(), s.source.as_str()))
        .collect();
    assert_eq!(
        known,
        [
            ("4711", "gus_4711_90210_echo.zip"),
            ("ada", "ADA"),
            ("bob", "work-of-bob.zip"),
            ("eve", "Eve Example_77_assignsubmission_file_"),
        ]
    );
    assert_eq!(found.submissions[1].name.as_deref(), Some("Ada Lovelace"));
    assert_line(&found.problems, &["`mallory`: not graded: nobody in the roster"]);
    assert_line(&found.problems, &["`dan` (Dan Dorn): no submission"]);
    assert_line(&found.problems, &["`lost`: no submission: there is no `nowhere`"]);
    assert_line(&found.problems, &["`Two Same`: not graded: more than one"]);
    assert_line(&found.problems, &["_onlinetext_`", "no files"]);
}

#[test]
fn a_mistake_in_a_roster_is_told_with_file_and_line() {
    let class = Class::new();
    class.write("../roster.csv", "id,name\nada,Ada\nADA,Eve\n");
    let error = Roster::read(&class.path("../roster.csv")).expect_err("a mistake");
    assert!(error.ends_with("roster.csv:3: `ADA` is in line 2, too"), "{error}");
}

#[test]
fn names_of_all_kinds_are_kept_and_shown_harmlessly() {
    let class = Class::new();
    let names = [
        "😀 ada",
        "O'Neil, \"Q\"",
        "=1+1",
        "עדה",
        "two\nlines",
        "dir\u{202e}sr.",
        "\x1b[31m",
    ];
    for name in names {
        class.write(&format!("{name}/main.rs"), MAIN);
    }
    let found = class.discover(None);
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let mut ids: Vec<String> =
        found.submissions.iter().map(|s| s.student.clone()).collect();
    for id in ["😀 ada", "O'Neil, \"Q\"", "=1+1", "עדה", "two\\nlines"] {
        assert!(ids.iter().any(|known| known == id), "{id} is not in {ids:?}");
    }
    for submitted in &found.submissions {
        let (source, id) = (&submitted.source, &submitted.student);
        assert_eq!(*source, shown(source, 200));
        assert_eq!(*id, shown(id, 200));
        let into = class.path("../staged").join(id);
        stage(submitted, &exercise(), &into).expect("staged");
    }
    ids.sort();
    let sorted: Vec<&String> = found.submissions.iter().map(|s| &s.student).collect();
    assert_eq!(sorted, ids.iter().collect::<Vec<_>>());
}

#[test]
fn an_empty_folder_and_a_folder_that_is_a_submission_are_refused() {
    let class = Class::new();
    let refused = || discover(&class.path(""), &exercise(), None).expect_err("refused");
    assert!(refused().contains("is empty: expected is a folder"));
    class.write("src/main.rs", MAIN);
    class.write("Cargo.toml", "");
    assert!(refused().contains("is itself a submission"));
    let nowhere = discover(&class.path("nowhere"), &exercise(), None);
    assert!(nowhere.expect_err("refused").contains("read the folder of submissions"));
}

// ---- staging a folder ----

#[test]
fn what_counts_is_written_fresh_with_ordinary_rights() {
    let class = Class::new();
    class.write("ada/src/main.rs", MAIN);
    class.write("ada/src/net/tcp.rs", "//");
    class.write("ada/tests/t.rs", "");
    class.write("ada/README.md", "");
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = fs::File::options().write(true).open(class.path("ada/src/main.rs"));
    file.expect("a file").set_modified(old).expect("an old time");
    fs::set_permissions(
        class.path("ada/src/main.rs"),
        fs::Permissions::from_mode(0o4777),
    )
    .expect("rights");
    let before = SystemTime::now() - Duration::from_secs(2);
    let staged = class.stage().expect("staged");
    assert_eq!(staged.files, ["src/main.rs", "src/net/tcp.rs"]);
    assert_eq!(staged.bytes, MAIN.len() as u64 + 2);
    assert!(staged.remarks.is_empty(), "{:?}", staged.remarks);
    let main = fs::metadata(class.staged().join("src/main.rs")).expect("a file");
    assert_eq!(main.mode() & 0o7777, 0o644);
    assert!(main.modified().expect("a time") > before);
    let folder = fs::metadata(class.staged().join("src/net")).expect("a folder");
    assert_eq!(folder.mode() & 0o7777, 0o755);
    let found = class.discover(None);
    let again = stage(&found.submissions[0], &exercise(), &class.staged());
    assert!(again.expect_err("not empty").contains("the folder is not empty"));
}

#[test]
fn the_digest_is_that_of_the_program_however_it_is_handed_in() {
    let digest = |path: &str, text: &str| {
        let class = Class::new();
        class.write(path, text);
        class.stage().expect("staged").digest
    };
    let one = digest("ada/src/main.rs", MAIN);
    assert_eq!(one.len(), 64);
    assert_eq!(one, digest("ada/echo/src/main.rs", MAIN));
    assert_eq!(one, digest("ada.rs", MAIN));
    assert_eq!(one, digest("ada/exercises/04-echo/src/main.rs", MAIN));
    assert_ne!(one, digest("ada.rs", "fn main() { }\n"));
}

#[test]
fn the_starter_is_recognised() {
    let starter =
        fs::read_to_string(exercise::workspace().join("exercises/04-echo/starter.rs"))
            .expect("the starter");
    let class = Class::new();
    class.write("ada/src/main.rs", starter.replace('\n', "\r\n"));
    let staged = class.stage().expect("staged");
    assert_eq!(staged.remarks, ["this is the starter, unchanged"]);
}

#[test]
fn links_are_refused_wherever_they_are() {
    for (link, outside) in
        [("main.rs", "main.rs"), ("src", "src"), ("src/main.rs", "main.rs")]
    {
        let class = Class::new();
        class.link(&format!("ada/{link}"), outside);
        let error = class.error();
        let words = format!("`{link}` (it is a link, which is not followed)");
        assert!(error.contains(&words), "{error}");
    }
    let class = Class::new();
    class.write("ada/src/main.rs", MAIN);
    class.link("ada/src/lib.rs", "lib.rs");
    class.link("ada/src/deep", "src");
    fs::hard_link(class.path("../outside/lib.rs"), class.path("ada/src/hard.rs"))
        .expect("a hard link");
    symlink("/etc/passwd", class.path("ada/src/passwd.rs")).expect("a link");
    symlink("..", class.path("ada/src/up")).expect("a link");
    let staged = class.stage().expect("staged");
    assert_eq!(staged.files, ["src/main.rs"]);
    for name in ["lib.rs", "deep", "passwd.rs", "up"] {
        let path = format!("`src/{name}`: ignored");
        assert_line(&staged.remarks, &[&path, "a link, which is not followed"]);
    }
    assert_line(
        &staged.remarks,
        &["`src/hard.rs`: ignored", "a hard link", "another name"],
    );
}

#[test]
fn a_hard_link_as_main_is_an_error_that_says_why() {
    let class = Class::new();
    fs::create_dir(class.path("ada")).expect("a folder");
    fs::hard_link(class.path("../outside/main.rs"), class.path("ada/main.rs"))
        .expect("a hard link");
    let error = class.error();
    assert!(error.contains("`main.rs` is not taken: it is a hard link"), "{error}");
    let class = Class::new();
    fs::hard_link(class.path("../outside/main.rs"), class.path("ada.rs"))
        .expect("a hard link");
    let error = class.error();
    assert!(error.contains("open the submission: it is a hard link"), "{error}");
}

#[test]
fn a_submission_that_becomes_a_link_after_it_was_found_is_not_followed() {
    let class = Class::new();
    class.link("ada", "src");
    class.link("bob.rs", "main.rs");
    class.link("eve", "main.rs");
    for (name, form) in [
        ("ada", Form::Folder),
        ("bob.rs", Form::RustFile),
        ("bob.rs", Form::Zip),
        ("eve", Form::Folder),
    ] {
        let submitted = Submitted {
            student: "ada".to_owned(),
            name: None,
            source: name.to_owned(),
            path: class.path(name),
            form,
        };
        let error = stage(&submitted, &exercise(), &class.staged());
        let error = error.expect_err("a link");
        assert!(error.contains("open the submission: it is a link"), "{error}");
        assert!(!class.staged().exists());
    }
}

#[test]
fn a_single_submission_may_be_given_as_a_link_but_no_link_in_it_is_followed() {
    let class = Class::new();
    class.write("store/package/src/main.rs", MAIN);
    class.link("store/package/src/lib.rs", "lib.rs");
    class.write("store/5891b5b5", MAIN);
    class.write("store/main.rs", MAIN);
    for (link, target, form) in [
        ("submission", "store/package", Form::Folder),
        ("echo.zip", "store/package", Form::Folder),
        ("echo.rs", "store/5891b5b5", Form::RustFile),
        ("latest", "store/main.rs", Form::RustFile),
        ("link-to-link", "latest", Form::RustFile),
    ] {
        symlink(target, class.path(link)).expect("a link");
        let submitted = single(&class.path(link)).expect("a submission");
        assert_eq!((submitted.source.as_str(), submitted.form), (link, form));
        let into = class.staged().with_file_name(link);
        let staged = stage(&submitted, &exercise(), &into).expect("staged");
        assert_eq!(staged.files, ["src/main.rs"], "{link}");
        assert_eq!(tree(&into)["src/main.rs"], MAIN, "{link}");
    }

    for (link, target, words) in [
        ("broken", "nowhere", "No such file"),
        ("digest", "store/5891b5b5", "digest is no folder, .zip, .tar.gz or .rs file"),
    ] {
        symlink(target, class.path(link)).expect("a link");
        let error = single(&class.path(link)).expect_err("no submission");
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn pipes_and_sockets_do_not_stop_the_grader() {
    let class = Class::new();
    class.write("ada/src/main.rs", MAIN);
    nix::unistd::mkfifo(&class.path("ada/src/pipe.rs"), nix::sys::stat::Mode::S_IRWXU)
        .expect("a pipe");
    let _socket = UnixListener::bind(class.path("ada/src/socket.rs")).expect("a socket");
    let staged = class.stage().expect("staged");
    assert_eq!(staged.files, ["src/main.rs"]);
    assert_line(&staged.remarks, &["`src/pipe.rs`: ignored: it is a named pipe"]);
    assert_line(&staged.remarks, &["`src/socket.rs`: ignored: it is a socket"]);
    let class = Class::new();
    fs::create_dir(class.path("ada")).expect("a folder");
    nix::unistd::mkfifo(&class.path("ada/main.rs"), nix::sys::stat::Mode::S_IRWXU)
        .expect("a pipe");
    assert!(class.error().contains("`main.rs` (it is a named pipe)"));
}

#[test]
fn without_a_program_it_is_said_what_was_looked_for_and_found() {
    let class = Class::new();
    class.write("ada/src/lib.rs", "");
    class.write("ada/src/Main.rs", MAIN);
    class.write("ada/Cargo.toml", "");
    let error = class.error();
    assert!(error.contains("looked for `src/main.rs`, `exercises/04-echo/src/main.rs`"));
    assert!(
        error.ends_with("found `src/Main.rs`, `src/lib.rs`, `Cargo.toml`"),
        "{error}"
    );
    let class = Class::new();
    fs::create_dir(class.path("ada")).expect("a folder");
    assert!(class.error().ends_with("found nothing"));
}

#[test]
fn names_that_differ_in_case_only_are_one_file() {
    let class = Class::new();
    class.write("ada/src/Main.rs", "fn main() { panic!() }\n");
    class.write("ada/src/main.rs", MAIN);
    let staged = class.stage().expect("staged");
    assert_eq!(
        tree(&class.staged()),
        [("src/main.rs".to_owned(), MAIN.to_owned())].into()
    );
    let words =
        "`src/Main.rs`: ignored: its name differs only in case from `src/main.rs`";
    assert_eq!(staged.remarks, [words]);
}

#[test]
fn names_that_deceive_are_not_taken() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let class = Class::new();
    class.write("ada/src/main.rs", MAIN);
    class.write("ada/src/a\nb.rs", "");
    class.write("ada/src/\u{202e}x.rs", "");
    class.write("ada/src/😀 'x'.rs", "");
    let latin1 = class.path("ada/src").join(OsStr::from_bytes(b"caf\xe9.rs"));
    fs::write(latin1, "").expect("a file");
    let staged = class.stage().expect("staged");
    assert_eq!(staged.files, ["src/main.rs", "src/😀 'x'.rs"]);
    assert_line(&staged.remarks, &["`src/a\\nb.rs`: ignored", "cannot be seen"]);
    assert_line(&staged.remarks, &["`src/\\u{202e}x.rs`: ignored", "cannot be seen"]);
    assert_line(&staged.remarks, &["caf", "its name is not UTF-8"]);
}

#[test]
fn settings_are_ignored_and_said_only_if_they_matter() {
    let class = Class::new();
    class.write("ada/src/main.rs", MAIN);
    class.write("ada/src/data.txt", "");
    class.write(
        "ada/Cargo.toml",
        "[package]\nname = \"x\"\n[dependencies]\nrand = \"1\"\n",
    );
    class.write("ada/build.rs", "fn main() {}");
    class.write("ada/.cargo/config.toml", "[build]\nrustc-wrapper = \"/tmp/x\"\n");
    class.write("ada/rust-toolchain.toml", "");
    class.write("ada/.git/config", "");
    class.write("ada/target/debug/x.rs", "");
    let staged = class.stage().expect("staged");
    assert_eq!(staged.files, ["src/main.rs"]);
    assert_eq!(staged.remarks.len(), 5, "{:#?}", staged.remarks);
    assert_line(&staged.remarks, &["`Cargo.toml`: ignored", "`dependencies` (rand)"]);
    assert_line(&staged.remarks, &["`build.rs`: ignored"]);
    assert_line(&staged.remarks, &["`.cargo/config.toml`: ignored"]);
    assert_line(&staged.remarks, &["`rust-toolchain.toml`: ignored"]);
    assert_line(&staged.remarks, &["`src/data.txt`: ignored: only `.rs` files"]);

    let class = Class::new();
    class.write("ada/c/exercises/04-echo/src/main.rs", MAIN);
    for path in ["Cargo.toml", ".cargo/config.toml", "exercises/04-echo/Cargo.toml"] {
        let handed_out = fs::read(exercise::workspace().join(path)).expect(path);
        class.write(&format!("ada/c/{path}"), handed_out);
    }
    assert!(class.stage().expect("staged").remarks.is_empty());
}

#[test]
fn limits_of_a_folder_hold() {
    let class = Class::new();
    class.write("ada/src/main.rs", MAIN);
    class.write("ada/src/big.rs", vec![b'/'; (1 << 20) + 1]);
    class.write("ada/src/1/2/3/4/5/6/7/8/last.rs", "");
    class.write("ada/src/1/2/3/4/5/6/7/8/9/deep.rs", "");
    let staged = class.stage().expect("staged");
    assert_eq!(staged.files, ["src/1/2/3/4/5/6/7/8/last.rs", "src/main.rs"]);
    assert_line(&staged.remarks, &["`src/big.rs`: ignored: it is larger than 1 MiB"]);
    assert_line(&staged.remarks, &["9/deep.rs`: ignored: it lies too deep"]);

    class.write("ada/src/main.rs", vec![b'/'; (1 << 20) + 1]);
    assert!(
        stage_anew(&class)
            .contains("`src/main.rs` is not taken: it is larger than 1 MiB")
    );

    for number in 0..6 {
        class.write(&format!("ada/src/m{number}.rs"), vec![b'/'; 1 << 20]);
    }
    assert!(stage_anew(&class).contains("the program is larger than 5 MiB"));
}

/// The error of staging once more.
fn stage_anew(class: &Class) -> String {
    fs::remove_dir_all(class.staged()).unwrap_or_default();
    class.error()
}

#[test]
fn too_many_files_are_refused_at_once() {
    let class = Class::new();
    class.write("ada/src/main.rs", MAIN);
    for number in 0..200 {
        class.write(&format!("ada/src/m{number}.rs"), "");
    }
    assert!(class.error().contains("the program has 201 files; more than 200"));
    for number in 0..10_000 {
        fs::File::create(class.path(&format!("ada/{number}"))).expect("a file");
    }
    assert!(class.error().contains("more than 10000 files and folders: hand in"));
}

#[test]
fn a_tree_that_is_as_deep_as_can_be_ends_the_walk_not_the_program() {
    let class = Class::new();
    class.write("ada/src/main.rs", MAIN);
    let deep = "d/".repeat(400);
    class.write(&format!("ada/{deep}x.rs"), "");
    let staged = class.stage().expect("staged");
    assert_line(&staged.remarks, &["it lies too deep"]);
}

#[test]
fn remarks_are_few_and_short() {
    let class = Class::new();
    class.write("ada/src/main.rs", MAIN);
    for number in 0..50 {
        class.link(&format!("ada/src/{number}{}.rs", "x".repeat(200)), "main.rs");
    }
    let staged = class.stage().expect("staged");
    assert_eq!(staged.remarks.len(), 21);
    assert!(staged.remarks.iter().all(|line| line.chars().count() < 160));
    assert_eq!(staged.remarks[20], "and 30 more remarks like these");
}

// ---- staging an archive ----

/// Writes a zip archive byte by byte, so that it can lie.
#[derive(Default)]
struct LyingZip {
    files: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

/// An entry of a [`LyingZip`]. The format is in PKWARE's APPNOTE.TXT, 4.3.7 and 4.3.12.
struct ZipEntry<'e> {
    name: &'e [u8],
    flags: u16,
    method: u16,
    unix_mode: u32,
    data: &'e [u8],
    /// How long the data is said to be.
    length: u32,
}

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

impl LyingZip {
    fn file(self, name: &str, text: &str) -> LyingZip {
        let (name, data) = (name.as_bytes(), text.as_bytes());
        self.stored(name, 0, data)
    }

    fn link(self, name: &str, target: &str) -> LyingZip {
        let (name, data) = (name.as_bytes(), target.as_bytes());
        self.stored(name, 0o120777, data)
    }

    fn stored(self, name: &[u8], unix_mode: u32, data: &[u8]) -> LyingZip {
        let length = data.len() as u32;
        self.entry(&ZipEntry { name, flags: 0, method: STORED, unix_mode, data, length })
    }

    fn entry(mut self, entry: &ZipEntry<'_>) -> LyingZip {
        let place = self.files.len() as u32;
        let mut crc = Crc::new();
        crc.update(entry.data);
        let mut common = Vec::new();
        for field in [20, entry.flags, entry.method, 0, 0x21] {
            common.extend(u16::to_le_bytes(field));
        }
        for field in [crc.sum(), entry.data.len() as u32, entry.length] {
            common.extend(u32::to_le_bytes(field));
        }
        common.extend((entry.name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        self.files.extend(b"PK\x03\x04");
        self.files.extend(&common);
        self.files.extend(entry.name);
        self.files.extend(entry.data);
        // Made by Unix, so that the upper half of the attributes is the mode.
        self.directory.extend(b"PK\x01\x02\x14\x03");
        self.directory.extend(&common);
        self.directory.extend([0; 6]);
        self.directory.extend((entry.unix_mode << 16).to_le_bytes());
        self.directory.extend(place.to_le_bytes());
        self.directory.extend(entry.name);
        self.count += 1;
        self
    }

    fn end(mut self) -> Vec<u8> {
        let (place, length) = (self.files.len() as u32, self.directory.len() as u32);
        self.files.extend(self.directory);
        self.files.extend(b"PK\x05\x06\0\0\0\0");
        self.files.extend(self.count.to_le_bytes());
        self.files.extend(self.count.to_le_bytes());
        self.files.extend(length.to_le_bytes());
        self.files.extend(place.to_le_bytes());
        self.files.extend([0, 0]);
        self.files
    }
}

/// A piece of a deflated stream (RFC 1951) that stands on its own and can be repeated.
fn deflated(data: &[u8]) -> Vec<u8> {
    let mut deflated = Vec::with_capacity(data.len() + 1000);
    let mut compress = Compress::new(Compression::default(), false);
    compress.compress_vec(data, &mut deflated, FlushCompress::Full).expect("compressed");
    deflated
}

/// What ends a deflated stream: a last block with nothing in it.
const END_OF_DEFLATED: [u8; 2] = [3, 0];

/// Ten thousand megabytes of zeros.
fn deflated_zeros() -> Vec<u8> {
    let mut zeros = deflated(&vec![0; 1 << 20]).repeat(10_000);
    zeros.extend(END_OF_DEFLATED);
    zeros
}

/// A gzip member (RFC 1952) with a false checksum: nobody gets so far.
fn gzip_of_deflated(deflated: &[u8]) -> Vec<u8> {
    [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], deflated, &[0; 8]].concat()
}

fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a file");
        zip.write_all(text.as_bytes()).expect("its text");
    }
    zip.finish().expect("a zip").into_inner()
}

/// The header of an entry. Its path is written as it is: a proper writer would refuse `..`.
fn tar_header(path: &str, kind: tar::EntryType, length: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(length);
    header.set_cksum();
    header
}

fn tar_gz(add: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    add(&mut tar);
    let tar = tar.into_inner().expect("a tar");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&tar).expect("written");
    gzip.finish().expect("a tar.gz")
}

fn add_file(tar: &mut tar::Builder<Vec<u8>>, path: &str, text: &str) {
    let header = tar_header(path, tar::EntryType::Regular, text.len() as u64);
    tar.append(&header, text.as_bytes()).expect("added");
}

fn add_link(
    tar: &mut tar::Builder<Vec<u8>>,
    path: &str,
    kind: tar::EntryType,
    target: &str,
) {
    let mut header = tar_header(path, kind, 0);
    header.set_link_name(target).expect("a target");
    header.set_cksum();
    tar.append(&header, &[][..]).expect("added");
}

#[test]
fn a_zip_is_read_in_every_layout() {
    for path in
        ["main.rs", "src/main.rs", "echo/src/main.rs", "c/exercises/04-echo/src/main.rs"]
    {
        let class = Class::new();
        class.write("ada.zip", zip_of(&[(path, MAIN), ("__MACOSX/._main.rs", "junk")]));
        let staged = class.stage().expect(path);
        assert_eq!(staged.files, ["src/main.rs"]);
        assert!(staged.remarks.is_empty());
        assert_eq!(tree(&class.staged())["src/main.rs"], MAIN);
    }
}

#[test]
fn a_tar_is_read_and_an_archive_in_a_folder_too() {
    let tar = tar_gz(|tar| {
        add_file(tar, "./echo/src/main.rs", MAIN);
        let long = format!("echo/src/{}.rs", "n".repeat(150));
        let mut header = tar_header("", tar::EntryType::Regular, 2);
        tar.append_data(&mut header, long, &b"//"[..]).expect("a long name");
    });
    for name in ["ada.tar.gz", "ada.tgz", "ada/work.tgz"] {
        let class = Class::new();
        class.write(name, &tar);
        let staged = class.stage().expect(name);
        assert_eq!(staged.files.len(), 2);
        assert_eq!(tree(&class.staged())["src/main.rs"], MAIN);
    }
    let class = Class::new();
    class.write("ada/work.zip", zip_of(&[("src/main.rs", MAIN)]));
    class.write("ada/report.pdf", "");
    assert_eq!(class.stage().expect("staged").files, ["src/main.rs"]);
    let class = Class::new();
    class.write("ada.zip", zip_of(&[("work.zip", "")]));
    assert!(class.error().ends_with("found `work.zip`"));
}

#[test]
fn paths_that_lead_out_of_an_archive_are_refused() {
    let outside = ["../x.rs", "/abs.rs", "src/../../y.rs", "C:/z.rs"];
    let mut zip = LyingZip::default().file("src/main.rs", MAIN).file("..\\w.rs", "");
    for path in outside {
        zip = zip.file(path, CANARY);
    }
    let tar = tar_gz(|tar| {
        add_file(tar, "src/main.rs", MAIN);
        for path in outside {
            add_file(tar, path, CANARY);
        }
    });
    for (name, bytes) in [("ada.zip", zip.end()), ("ada.tgz", tar)] {
        let class = Class::new();
        class.write(name, bytes);
        let staged = class.stage().expect(name);
        assert_eq!(staged.files, ["src/main.rs"]);
        for path in outside {
            let path = format!("`{path}`: ignored");
            assert_line(&staged.remarks, &[&path, "its path leads out of the archive"]);
        }
        let written = tree(&class.path("../staged"));
        assert_eq!(written.len(), 1, "{written:?}");
        assert!(!class.path("x.rs").exists() && !class.path("../x.rs").exists());
    }
}

#[test]
fn links_in_archives_and_what_lies_behind_them_are_refused() {
    let class = Class::new();
    let outside = class.path("../outside").display().to_string();
    let zip = LyingZip::default()
        .file("src/main.rs", MAIN)
        .link("src/link.rs", "/etc/passwd")
        .link("src/net", &outside)
        .file("src/net/x.rs", CANARY);
    let tar = tar_gz(|tar| {
        add_file(tar, "src/main.rs", MAIN);
        add_link(tar, "src/link.rs", tar::EntryType::Symlink, "/etc/passwd");
        add_link(tar, "src/net", tar::EntryType::Symlink, &outside);
        add_file(tar, "src/net/x.rs", CANARY);
        add_link(tar, "src/hard.rs", tar::EntryType::Link, "/etc/passwd");
        add_link(tar, "src/pipe.rs", tar::EntryType::Fifo, "x");
        add_link(tar, "src/disk.rs", tar::EntryType::Block, "x");
    });
    for (name, bytes) in [("ada.zip", zip.end()), ("ada.tar.gz", tar)] {
        let class = Class::new();
        class.write(name, bytes);
        let staged = class.stage().expect(name);
        assert_eq!(staged.files, ["src/main.rs"]);
        assert_line(&staged.remarks, &["`src/link.rs`: ignored: it is a link"]);
        assert_line(&staged.remarks, &["`src/net`: ignored: it is a link"]);
        assert_line(
            &staged.remarks,
            &["`src/net/x.rs`: ignored: the way to it is a link"],
        );
        if name == "ada.tar.gz" {
            assert_line(&staged.remarks, &["`src/hard.rs`: ignored: it is a link"]);
            assert_line(&staged.remarks, &["`src/pipe.rs`: ignored: it is a named pipe"]);
            assert_line(&staged.remarks, &["`src/disk.rs`: ignored: it is a device"]);
        }
    }
    let class = Class::new();
    class.write("ada.zip", LyingZip::default().link("src/main.rs", "/etc/passwd").end());
    assert!(class.error().contains("`src/main.rs` (it is a link"));
}

#[test]
fn bombs_are_stopped_early() {
    let zeros = deflated_zeros();
    let (flags, method, unix_mode) = (0, DEFLATED, 0);
    let zip = |name: &[u8], length| {
        let entry = ZipEntry { name, flags, method, unix_mode, data: &zeros, length };
        LyingZip::default().file("main.rs", MAIN).entry(&entry).end()
    };
    let class = Class::new();
    class.write("ada.zip", zip(b"src/main.rs", u32::MAX - 1));
    let error = class.error();
    assert!(
        error.contains("`src/main.rs` is not taken: it is larger than 1 MiB"),
        "{error}"
    );
    class.write("ada.zip", zip(b"src/main.rs", 100));
    let error = class.error();
    assert!(error.contains("`src/main.rs` is not taken: it cannot be read: "), "{error}");

    // What does not count is not even unpacked.
    let class = Class::new();
    class.write("ada.zip", zip(b"zeros.bin", 100));
    assert_eq!(class.stage().expect("staged").files, ["src/main.rs"]);

    let header = tar_header("zeros.bin", tar::EntryType::Regular, 8_000_000_000);
    let tar = [deflated(header.as_bytes()), zeros].concat();
    let class = Class::new();
    class.write("ada.tgz", gzip_of_deflated(&tar));
    let error = class.error();
    assert!(error.contains("unpacked, the archive is larger than"), "{error}");
}

#[test]
fn an_archive_of_a_hundred_thousand_files_is_refused() {
    let options = zip::write::SimpleFileOptions::default();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..=100_000 {
        zip.add_directory(number.to_string(), options).expect("a folder");
    }
    let class = Class::new();
    class.write("ada.zip", zip.finish().expect("a zip").into_inner());
    assert!(class.error().contains("more than 100000 files and folders in the archive"));

    let header = tar_header("src/main.rs", tar::EntryType::Regular, 0);
    let tar = deflated(&header.as_bytes().repeat(1000)).repeat(101);
    let class = Class::new();
    class.write("ada.tgz", gzip_of_deflated(&tar));
    assert!(class.error().contains("more than 100000 files and folders in the archive"));
}

#[test]
fn limits_of_an_archive_hold() {
    let long = "/".repeat(1 << 20);
    let names: Vec<String> = (0..6).map(|number| format!("src/m{number}.rs")).collect();
    let mut files = vec![("src/main.rs", MAIN)];
    files.extend(names.iter().map(|name| (name.as_str(), long.as_str())));
    let class = Class::new();
    class.write("ada.zip", zip_of(&files));
    assert!(class.error().contains("the program is larger than 5 MiB"));
    let class = Class::new();
    class.write(
        "ada.tgz",
        tar_gz(|tar| files.iter().for_each(|f| add_file(tar, f.0, f.1))),
    );
    assert!(class.error().contains("the program is larger than 5 MiB"));
    let class = Class::new();
    class.write("ada.zip", "");
    let file = fs::File::options().write(true).open(class.path("ada.zip"));
    file.expect("a file").set_len((64 << 20) + 1).expect("a hole");
    assert!(class.error().contains("larger than 64 MiB: leave `target` out"));
}

#[test]
fn of_files_with_one_name_in_an_archive_the_first_counts_or_none() {
    let tar = tar_gz(|tar| {
        add_file(tar, "src/main.rs", MAIN);
        add_file(tar, "./src/main.rs", CANARY);
    });
    let class = Class::new();
    class.write("ada.tgz", tar);
    let staged = class.stage().expect("staged");
    assert_line(&staged.remarks, &["`src/main.rs`: ignored", "the first one counts"]);
    let twice = |other: &str| {
        LyingZip::default().file("src/main.rs", MAIN).file(other, CANARY).end()
    };
    let class = Class::new();
    class.write("ada.zip", twice("src\\main.rs"));
    let staged = class.stage().expect("staged");
    assert_line(&staged.remarks, &["`src/main.rs`: ignored", "the first one counts"]);
    let class = Class::new();
    class.write("ada.zip", twice("src/main.rs"));
    let error = class.error();
    assert!(error.contains("two files in the zip archive have the same name"), "{error}");
}

#[test]
fn an_archive_that_cannot_be_read_says_why() {
    let entry = |flags, method| ZipEntry {
        name: b"src/main.rs",
        flags,
        method,
        unix_mode: 0,
        data: MAIN.as_bytes(),
        length: MAIN.len() as u32,
    };
    let encrypted = LyingZip::default().entry(&entry(1, STORED)).end();
    let lzma = LyingZip::default().entry(&entry(0, 14)).end();
    let good = zip_of(&[("src/main.rs", MAIN)]);
    let tar = tar_gz(|tar| add_file(tar, "src/main.rs", MAIN));
    for (name, bytes, words) in [
        ("ada.zip", &encrypted[..], "the zip archive is encrypted"),
        ("ada.zip", &lzma, "compressed in a way that is not understood"),
        ("ada.zip", &good[..good.len() / 2], "no zip archive that can be read"),
        ("ada.zip", &tar, "no zip archive that can be read"),
        ("ada.zip", b"", "no zip archive that can be read"),
        ("ada.tgz", &good, "no tar.gz archive that can be read"),
        ("ada.tgz", &tar[..tar.len() / 2], "no tar.gz archive that can be read"),
        ("ada/work.zip", b"", "`work.zip`: this is no zip archive that can be read"),
    ] {
        let class = Class::new();
        class.write(name, bytes);
        let error = class.error();
        assert!(error.contains(words), "{error}");
        assert_eq!(error, shown(&error, 1000), "one line");
    }
}

// ---- points by hand ----

fn results() -> Results {
    let check = |id: &str, points| CheckInfo {
        id: id.to_owned(),
        says: String::new(),
        points,
        by_hand: String::new(),
        private: false,
        detail: Detail::Full,
    };
    let row = |check: &str, points, max_points| Row {
        check: check.to_owned(),
        verdict: if points == 0 { Verdict::Fail } else { Verdict::Pass },
        points,
        max_points,
        attempts: 1,
        flaky: false,
        took_ms: 0,
        message: String::new(),
        diagnosis: None,
        evidence: None,
        compiler: None,
        overridden: None,
    };
    let submission = |student: &str| Submission {
        student: student.to_owned(),
        name: None,
        source: student.to_owned(),
        digest: String::new(),
        remarks: vec![],
        rows: vec![row("starts", 1, 1), row("half-close", 0, 2)],
        score: 1,
        times: Times::default(),
    };
    Results {
        schema: grade::results::SCHEMA.to_owned(),
        exercise: ExerciseInfo {
            name: "echo".to_owned(),
            title: String::new(),
            points: 3,
            checks: vec![check("starts", 1), check("half-close", 2)],
            diagnoses: BTreeMap::new(),
        },
        grader: GraderInfo {
            version: String::new(),
            compiler: String::new(),
            checks: String::new(),
            seed: 0,
            sandbox: String::new(),
            finished: String::new(),
            took_ms: 0,
        },
        submissions: vec![submission("ada"), submission("bob")],
        problems: vec![],
    }
}

fn read_overrides(text: &str) -> Result<Overrides, String> {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("overrides.toml");
    fs::write(&file, text).expect("written");
    Overrides::read(&file, &results().exercise)
}

const BY_HAND: &str = "# Shown in the lab.\n[[override]]\nstudent = \"Ada\"\n\
                       check = \"half-close\"\npoints = 2\nreason = \"shown in the lab\"\n";

fn as_json(results: &Results) -> String {
    serde_json::to_string(results).expect("JSON")
}

#[test]
fn points_by_hand_change_the_row_and_the_score() {
    let overrides = read_overrides(BY_HAND).expect("overrides");
    let mut results = results();
    assert!(overrides::apply(&overrides, &mut results).is_empty());
    let ada = &results.submissions[0];
    assert_eq!(
        (ada.score, ada.rows[1].points, ada.rows[1].verdict),
        (3, 2, Verdict::Fail)
    );
    let by_hand = ada.rows[1].overridden.as_ref().expect("overridden");
    assert_eq!((by_hand.points_before, by_hand.reason.as_str()), (0, "shown in the lab"));
    assert_eq!(results.submissions[1].score, 1);
}

#[test]
fn points_by_hand_twice_are_as_once_and_can_be_taken_back() {
    let overrides = read_overrides(BY_HAND).expect("overrides");
    let mut changed = results();
    overrides::apply(&overrides, &mut changed);
    let once = as_json(&changed);
    overrides::apply(&overrides, &mut changed);
    assert_eq!(as_json(&changed), once);
    overrides::apply(&Overrides::default(), &mut changed);
    assert_eq!(as_json(&changed), as_json(&results()));
}

#[test]
fn an_override_of_nobody_is_a_warning() {
    let overrides = read_overrides(&BY_HAND.replace("Ada", "eve")).expect("overrides");
    let mut changed = results();
    let warnings = overrides::apply(&overrides, &mut changed);
    let words = "overrides.toml:3: not applied: `eve` has no result for `half-close`";
    assert_line(&warnings, &[words]);
    assert_eq!(as_json(&changed), as_json(&results()));
}

#[test]
fn a_mistake_in_overrides_is_told_with_file_and_line() {
    for (from, to, words) in [
        (
            "points = 2",
            "points = 3",
            "overrides.toml:5: `half-close` is worth 2 points at most",
        ),
        ("points = 2", "points = -1", "overrides.toml:5: "),
        (
            "points = 2",
            "points = 2\npiont = 1",
            "overrides.toml:6: unknown field `piont`",
        ),
        (
            "half-close",
            "closes",
            "overrides.toml:4: the exercise echo has no check `closes`",
        ),
        (
            "reason = \"shown in the lab\"\n",
            "",
            "overrides.toml:2: missing field `reason`",
        ),
        ("shown in the lab", " ", "overrides.toml:6: the reason is empty"),
        ("[[override]]", "[[overide]]", "overrides.toml:2: unknown field `overide`"),
        ("points = 2", "points =", "overrides.toml:5: "),
    ] {
        let error = read_overrides(&BY_HAND.replace(from, to)).expect_err(to);
        assert!(error.contains(words), "{error}");
        assert_eq!(error, shown(&error, 1000), "one line");
    }
    let error = read_overrides(&BY_HAND.repeat(2)).expect_err("twice");
    assert!(error.contains("overrides.toml:9: the same student and check are in line 3"));
}
