//! The box `landlock`: a fence around programs that are trusted, where there are no namespaces.
//!
//! All of it happens in surroundings where nobody can make a namespace: so the programs are processes
//! of this machine, and it is only the fence that keeps them in. What serves honestly and gets all points
//! has not got out: else it would say `BREACH`, and serve nobody.

mod class;

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use checks::exercise::workspace;
use class::{Class, GRADE, Graded, has_namespaces, program, verdicts};
use grade::results::{BUILDS, Verdict};

/// All points of the echo exercise.
const ALL: u32 = 14;

/// Asks for the fence, and says the word.
const FENCED: [&str; 3] = ["--sandbox", "landlock", "--i-trust-these-programs"];

/// Makes of the words behind it a program of an ordinary user who can make no namespace.
const WITHOUT_NAMESPACES: [&str; 8] = [
    "unshare",
    "--user",
    "--map-user=1000",
    "--map-group=1000",
    "--keep-caps",
    "sh",
    "-c",
    "echo 0 >/proc/sys/user/max_user_namespaces && \
     exec setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all \"$0\" \"$@\"",
];

/// The grader in such surroundings. Where the machine has no namespaces anyway, it is already there.
fn grader() -> Command {
    let [unshare, arguments @ ..] = WITHOUT_NAMESPACES;
    let mut command = Command::new(unshare);
    command.args(arguments);
    if command.arg("true").output().is_ok_and(|output| output.status.success()) {
        let mut command = Command::new(unshare);
        command.args(arguments).arg(GRADE);
        return command;
    }
    Command::new(GRADE)
}

fn grade(class: &Class, options: &[&str]) -> Graded {
    class.start_through(grader(), "results", options).end()
}

/// What `grade doctor` says there.
fn doctor() -> String {
    let output = grader().arg("doctor").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Whether this kernel refuses this to a program in a fence. If not, says so, loudly.
fn refuses(what: &str) -> bool {
    let doctor = doctor();
    let mut lines = doctor.lines().map(str::trim);
    let refused =
        lines.find_map(|line| line.strip_prefix("refused: ")).unwrap_or_default();
    let refuses = refused.split(", ").any(|refused| refused == what);
    if !refuses {
        println!("skipped: this kernel does not refuse {what}:\n{doctor}");
        assert!(env::var_os("NO_SKIPS").is_none(), "skipped, although NO_SKIPS is set");
    }
    refuses
}

/// What stands in the programs for the names of a class.
type Names<'a> = BTreeMap<&'a str, String>;

/// A program of `tests/`, with an honest one behind it, and the names of this class in it.
fn attack(file: &str, class: &Class, names: &Names) -> String {
    let tests = workspace().join("crates/grade/tests");
    let read = |file: &str| fs::read_to_string(tests.join(file)).unwrap();
    let honest = read("attacks/honest.rs");
    let honest = honest.split_once('\n').unwrap().1; // Without its first line, a `//!`.
    let mut text = format!("{}\n{honest}", read(file)).replace("@MARK@", &class.mark);
    for (name, meaning) in names {
        text = text.replace(name, meaning);
    }
    text
}

/// A file that everybody may read and write, but for the fence.
fn canary(class: &Class) -> PathBuf {
    let canary = class.path("outside/canary.txt");
    fs::write(&canary, class.secret()).unwrap();
    fs::set_permissions(&canary, Permissions::from_mode(0o666)).unwrap();
    canary
}

#[test]
fn an_honest_program_gets_all_points_and_the_box_is_told() {
    if !refuses("reading files") {
        return;
    }
    let class = Class::new();
    class.hand_in("ada", &program("src/main.rs"));
    class.hand_in("ben", &program("wrong/as_it_came.rs"));
    let graded = grade(&class, &FENCED);
    assert_eq!(graded.status, Some(0), "{}", graded.printed);
    let results = graded.results();
    let [ada, ben] = &results.submissions[..] else { panic!("two of them") };
    assert_eq!((ada.score, ben.score), (ALL, 1), "{:#?}", verdicts(ada));
    assert_eq!(results.grader.sandbox, "landlock");
    let message = fs::read_to_string(graded.out.join("messages/ada.md")).unwrap();
    assert!(message.contains("sandbox landlock"), "{message}");
    let page = fs::read_to_string(graded.out.join("class.html")).unwrap();
    assert!(page.contains("less than full isolation"));
    class.await_no_process();
    // Where there are no namespaces, checks take turns under a lock, whose file stays.
    assert_eq!(class.workshops(), [class.path("tmp/socket-course.lock")]);
}

#[test]
fn it_can_be_asked_for_where_there_are_namespaces_too() {
    if !has_namespaces() || !refuses("reading files") {
        return;
    }
    let class = Class::new();
    class.hand_in("ada", &program("src/main.rs"));
    let results = class.grade("results", &FENCED).results();
    assert_eq!(
        results.submissions[0].score,
        ALL,
        "{:#?}",
        verdicts(&results.submissions[0])
    );
    assert_eq!(results.grader.sandbox, "landlock");
}

#[test]
fn nobody_reads_or_writes_files_outside() {
    if !refuses("reading files") {
        return;
    }
    let class = Class::new();
    let canary = canary(&class);
    let outside = ["", "outside", "submissions", "submissions/ada", "results", "tmp"]
        .map(|part| class.path(part).display().to_string())
        .join(" ");
    let solution =
        workspace().join("solutions/04-echo/src/main.rs").display().to_string();
    let names = Names::from([
        ("@OUTSIDE@", format!("{outside} {solution} {GRADE}")),
        ("@CANARY@", canary.display().to_string()),
        ("@SOLUTION@", solution),
    ]);
    let compiles = ["fence/reads_outside.rs", "fence/writes_outside.rs"];
    let does_not = ["attacks/includes_a_secret.rs"];
    class.hand_in("ada", &program("src/main.rs"));
    for file in compiles.iter().chain(&does_not) {
        let student = Path::new(file).file_stem().unwrap().to_str().unwrap();
        class.hand_in(student, &attack(file, &class, &names));
    }
    let graded = grade(&class, &FENCED);
    for submission in graded.results().submissions {
        let rows = verdicts(&submission).join("\n");
        let evidence = submission.rows.iter().find_map(|row| row.evidence.as_ref());
        let evidence = evidence.map_or(String::new(), |found| found.lines().join("\n"));
        let builds = submission.rows.iter().find(|row| row.check == BUILDS).unwrap();
        match submission.student.as_str() {
            "includes_a_secret" => {
                assert_eq!(builds.verdict, Verdict::BuildError, "{rows}")
            }
            _ => assert_eq!(submission.score, ALL, "{rows}\n{evidence}"),
        }
    }
    let text = serde_json::to_string(&graded.results()).unwrap();
    assert!(!text.contains(&class.secret()), "the secret is in the results");
    assert_eq!(fs::read_to_string(canary).unwrap(), class.secret());
    let left = ["", "outside", "submissions", "tmp"]
        .map(|part| class.path(part).join(format!("left-by-{}", class.mark)));
    assert!(left.iter().all(|file| !file.exists()));
}

#[test]
fn nobody_signals_others_and_nothing_stays_behind() {
    if !refuses("signals") {
        return;
    }
    let class = Class::new();
    let mut bystander = Bystander::new();
    let names = Names::from([("@BYSTANDER@", bystander.0.id().to_string())]);
    class.hand_in("signals", &attack("fence/signals_outside.rs", &class, &names));
    class.hand_in("daemons", &attack("attacks/leaves_daemons_behind.rs", &class, &names));
    let graded = grade(&class, &FENCED);
    for submission in graded.results().submissions {
        assert_eq!(submission.score, ALL, "{:#?}", verdicts(&submission));
    }
    assert!(bystander.0.try_wait().unwrap().is_none(), "it was ended from inside");
    class.await_no_process();
}

/// A process that waits for its input, and ends with this test.
struct Bystander(Child);

impl Bystander {
    fn new() -> Bystander {
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Bystander(command.spawn().unwrap())
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nobody_calls_others_over_tcp() {
    if !refuses("calling with TCP") {
        return;
    }
    let class = Class::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let names = Names::from([("@LISTENER@", listener.local_addr().unwrap().to_string())]);
    class.hand_in("calls", &attack("fence/calls_outside.rs", &class, &names));
    let submission = &grade(&class, &FENCED).results().submissions[0];
    assert_eq!(submission.score, ALL, "{:#?}", verdicts(submission));
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn nobody_calls_abstract_unix_sockets() {
    if !refuses("abstract Unix sockets") {
        return;
    }
    let class = Class::new();
    let name = SocketAddr::from_abstract_name(&class.mark).unwrap();
    let _listener = UnixListener::bind_addr(&name).unwrap();
    class.hand_in("calls", &attack("fence/calls_by_name.rs", &class, &Names::new()));
    let submission = &grade(&class, &FENCED).results().submissions[0];
    assert_eq!(submission.score, ALL, "{:#?}", verdicts(submission));
}

#[test]
fn strangers_are_refused_without_the_word_of_trust() {
    let class = Class::new();
    class.hand_in("ada", &program("src/main.rs"));
    for (options, status, says) in [
        (&[][..], 4, "programs of strangers cannot be kept apart here"),
        (&["--sandbox", "landlock"], 2, "add --i-trust-these-programs"),
        (
            &["--i-trust-these-programs"],
            4,
            "programs of strangers cannot be kept apart here",
        ),
    ] {
        let graded = grade(&class, options);
        assert_eq!(graded.status, Some(status), "{}", graded.printed);
        assert!(graded.printed.contains(says), "{}", graded.printed);
        assert_eq!(fs::read_dir(&graded.out).unwrap().count(), 0, "something was graded");
    }
}

#[test]
fn what_needs_raw_sockets_is_refused() {
    if !refuses("reading files") {
        return;
    }
    let class = Class::new();
    class.hand_in("ada", &program("src/main.rs"));
    let mut grader = grader();
    grader.args(["single", "--exercise", "ping"]).arg(class.path("submissions/ada"));
    let output = grader.args(FENCED).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(4) && said.contains("needs raw sockets"),
        "{said}"
    );
}

/// strace(1) lets the system answer what another kernel would: none, one with Landlock switched off.
#[test]
fn a_kernel_without_landlock_is_told_from_one_where_it_is_switched_off() {
    for (error, says) in [
        ("ENOSYS", "this kernel has no Landlock"),
        ("EOPNOTSUPP", "this kernel has Landlock, but it is switched off"),
    ] {
        let call = "landlock_create_ruleset";
        let mut strace = Command::new("strace");
        strace.args(["--seccomp-bpf", "-f", "-qq", "-o", "/dev/null", "-e"]);
        strace.arg(format!("trace={call}")).arg("-e");
        strace.arg(format!("inject={call}:error={error}")).arg(GRADE);
        let class = Class::new();
        class.hand_in("ada", &program("src/main.rs"));
        if Command::new("strace")
            .args(["-qq", "-o", "/dev/null", "true"])
            .status()
            .is_err()
        {
            println!("skipped: there is no strace");
            assert!(
                env::var_os("NO_SKIPS").is_none(),
                "skipped, although NO_SKIPS is set"
            );
            return;
        }
        let graded = class.start_through(strace, "results", &FENCED).end();
        assert_eq!(graded.status, Some(4), "{}", graded.printed);
        assert!(graded.printed.contains(says), "{}", graded.printed);
        assert!(graded.printed.contains("nothing was run"), "{}", graded.printed);
        assert!(!graded.printed.contains("panicked"), "{}", graded.printed);
    }
}
