//! What the programs in `attacks/` do to the grader, to this machine and to each other: nothing.
//!
//! The numbers A1 to A34 are those of the list of attacks on graders that this corpus was made from.
//! All attacks are graded in one class, four at a time, with honest programs between them. Where an
//! attack is made by an otherwise honest program, all its points say that the box has held: if
//! something succeeds that must not, the program says `BREACH`, and serves nobody.

mod class;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use checks::exercise::workspace;
use class::{Class, GRADE, Graded, has_namespaces, program, verdicts};
use grade::results::{BUILDS, Results, Submission, Verdict};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getegid, geteuid, getgroups};
use quick_junit::Report;
use serde_json::Value;

/// All points of the echo exercise.
const ALL: u32 = 14;

/// An attack, and what must become of it.
struct Attack {
    /// The name of its file, without `.rs`.
    name: &'static str,
    /// The check that decides.
    check: &'static str,
    /// Its verdict.
    verdict: Verdict,
    /// The points of all checks together.
    points: u32,
    /// How long the grading of it takes at most, in seconds, on a machine with other things to do.
    within: u64,
}

/// Makes a table of attacks, and a test of each.
macro_rules! attacks {
    ($($name:ident: $check:literal $verdict:ident, $points:tt points, within $within:literal s;)*) => {
        const ATTACKS: &[Attack] = &[$(Attack {
            name: stringify!($name),
            check: $check,
            verdict: Verdict::$verdict,
            points: $points,
            within: $within,
        }),*];

        mod an_attack_that {
            $(#[test]
            fn $name() {
                super::judge(stringify!($name));
            })*
        }
    };
}

attacks! {
    // What ends or prints something instead of serving.
    exits_at_once: "starts" Fail, 0 points, within 30 s;
    acts_before_main: "starts" Fail, 0 points, within 30 s;
    forges_results: "one-message" Fail, 1 points, within 30 s;
    pretends_there_was_no_box: "starts" Fail, 0 points, within 30 s;
    replays_answers: "one-message" Fail, 1 points, within 60 s;
    becomes_a_daemon: "starts" Fail, 0 points, within 30 s;
    kills_its_group: "starts" Limit, 0 points, within 30 s;

    // What serves honestly, and does something else beside.
    writes_where_it_must_not: "reads-later" Pass, ALL points, within 120 s;
    reads_what_is_not_its_own: "reads-later" Pass, ALL points, within 120 s;
    knows_its_surroundings: "reads-later" Pass, ALL points, within 120 s;
    calls_the_world: "reads-later" Pass, ALL points, within 120 s;
    starts_other_programs: "reads-later" Pass, ALL points, within 120 s;
    breaks_out: "reads-later" Pass, ALL points, within 120 s;
    types_into_the_terminal: "reads-later" Pass, ALL points, within 120 s;
    leaves_daemons_behind: "reads-later" Pass, ALL points, within 120 s;
    kills_everybody: "reads-later" Pass, ALL points, within 120 s;
    keeps_files_for_later: "reads-later" Pass, ALL points, within 120 s;
    replaces_its_own_program: "reads-later" Pass, ALL points, within 120 s;
    hides_memory_in_segments: "reads-later" Pass, ALL points, within 120 s;

    // What takes too much.
    floods_its_output: "starts" Limit, 0 points, within 60 s;
    takes_all_memory: "starts" Limit, 0 points, within 60 s;
    takes_memory_as_many: "starts" Limit, 0 points, within 60 s;
    hides_memory_in_files: "starts" Limit, 0 points, within 60 s;
    hides_its_open_files: "starts" Limit, 0 points, within 60 s;
    blinds_the_warder: "starts" Limit, 0 points, within 60 s;
    starts_endless_threads: "starts" Crash, 0 points, within 60 s;
    forks_endlessly: "starts" Limit, 0 points, within 60 s;
    fills_the_disk: "starts" Pass, 1 points, within 60 s;
    writes_a_huge_file: "starts" Limit, 0 points, within 30 s;
    spins: "starts" Timeout, 0 points, within 60 s;
    never_listens: "starts" Timeout, 0 points, within 60 s;
    never_ends: "ends" Timeout, 13 points, within 120 s;
    drips: "one-message" Timeout, 1 points, within 120 s;

    // What the compiler is to do.
    includes_a_secret: "builds" BuildError, 0 points, within 30 s;
    borrows_a_module: "builds" BuildError, 0 points, within 30 s;
    assembles_a_secret: "builds" BuildError, 0 points, within 30 s;
    asks_the_compilers_environment: "builds" BuildError, 0 points, within 30 s;
    reads_the_compilers_processes: "builds" BuildError, 0 points, within 30 s;
    speaks_through_the_compiler: "builds" BuildError, 0 points, within 30 s;
    computes_forever: "builds" Limit, 0 points, within 90 s;
    expands_macros_forever: "builds" BuildError, 0 points, within 90 s;
    nests_types_forever: "builds" Limit, 0 points, within 90 s;
    wants_a_huge_table: "builds" BuildError, 0 points, within 90 s;
    is_one_expression: "builds" Limit, 0 points, within 90 s;

    // What reports, terminals and tables would obey.
    paints_on_the_screen: "one-message" Fail, 1 points, within 30 s;
    panics_in_colour: "starts" Crash, 0 points, within 30 s;
    speaks_no_language: "one-message" Fail, 1 points, within 30 s;
}

/// Honest programs, each next to an attack that could harm it.
const HONEST: [&str; 4] = [
    "forks_endlessly-and-honest",
    "kills_everybody-and-honest",
    "takes_all_memory-and-honest",
    "writes_where_it_must_not-and-honest",
];

/// What is there after the grading of the class. The class itself is taken away then: what a test
/// shares with others is never dropped.
struct Aftermath {
    graded: Graded,
    results: Results,
    /// The files in the folder of results, by their names in there.
    reports: BTreeMap<String, String>,
    /// What nobody but the grader and its user may learn, and the file that held it.
    secret: String,
    canary: String,
    /// The names in the folders around the grading, and of files that attacks have left anywhere.
    names: [BTreeSet<String>; 3],
    left: Vec<PathBuf>,
    /// The folders that the grader has worked in.
    workshops: Vec<PathBuf>,
    /// Who was called from within a box.
    called: Vec<String>,
    /// Whether a process of another user, which belongs to nobody here, is still there.
    bystander_lives: bool,
}

/// Grades the class of attacks, once for all tests. None where programs cannot be kept apart.
fn aftermath() -> Option<&'static Aftermath> {
    static AFTERMATH: OnceLock<Option<Aftermath>> = OnceLock::new();
    AFTERMATH.get_or_init(|| has_namespaces().then(grade_all)).as_ref()
}

fn grade_all() -> Aftermath {
    let class = Class::new();
    let canary = class.path("outside/canary.txt");
    fs::write(&canary, class.secret()).unwrap();
    fs::set_permissions(&canary, fs::Permissions::from_mode(0o666)).unwrap();
    let listeners = Listeners::new(&class);
    let mut bystander = bystander();

    for attack in ATTACKS {
        class.hand_in(attack.name, &source(attack.name, &class, &listeners));
    }
    for name in HONEST {
        class.hand_in(name, &program("src/main.rs"));
    }
    let graded = class.grade("results", &["--jobs", "4", "--seed", "4"]);
    let results = graded.results();
    print_table(&results);
    let bystander_lives = bystander.try_wait().unwrap().is_none();
    let _ = bystander.kill();
    let _ = bystander.wait();
    class.await_no_process();
    Aftermath {
        reports: files(&graded.out, &graded.out),
        results,
        secret: class.secret(),
        canary: fs::read_to_string(canary).unwrap(),
        names: AROUND.map(|(part, _)| names(&class.path(part))),
        left: left_by_attacks(&class),
        workshops: class.workshops(),
        called: listeners.called(),
        bystander_lives,
        graded,
    }
}

/// The folders around the grading, and what is in them.
const AROUND: [(&str, &[&str]); 3] = [
    ("", &["outside", "results", "submissions", "tmp"]),
    ("outside", &["canary.txt", "socket"]),
    ("submissions", &[]), // One for each of the class.
];

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().display().to_string()).collect()
}

/// What attacks have written in places of this machine where anybody might look for it.
fn left_by_attacks(class: &Class) -> Vec<PathBuf> {
    let home = std::env::var("HOME").unwrap_or_default();
    let folders = ["/", "/tmp", "/var/tmp", "/dev/shm", "/root", "/home", &home];
    let folders = folders.map(PathBuf::from).into_iter().chain([workspace()]);
    let left = folders.map(|folder| folder.join(format!("left-by-{}", class.mark)));
    left.filter(|file| file.exists()).collect()
}

/// For whoever reads the output of the test: what became of each attack.
fn print_table(results: &Results) {
    println!("{:38}{:>8}  {:14}{:13}message", "attack", "seconds", "check", "verdict");
    for submission in &results.submissions {
        let rows = &submission.rows;
        let bad = rows.iter().find(|row| row.verdict != Verdict::Pass);
        let row = bad.or(rows.last()).expect("a row");
        println!(
            "{:38}{:8.1}  {:14}{:13}{}",
            submission.student,
            took_ms(submission) as f64 / 1000.0,
            row.check,
            row.verdict.name(),
            row.message
        );
    }
    println!("all of it: {:.1} s", results.grader.took_ms as f64 / 1000.0);
}

/// The text of an attack, with the names of this class.
fn source(name: &str, class: &Class, listeners: &Listeners) -> String {
    let folder = workspace().join("crates/grade/tests/attacks");
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    let honest = read("honest.rs");
    let honest = honest.split_once('\n').unwrap().1; // Without its first line, a `//!`.
    let repository = fs::canonicalize(workspace()).unwrap();
    let outside: Vec<PathBuf> = ["", "outside", "submissions", "results", "tmp"]
        .into_iter()
        .map(|part| class.path(part))
        .chain([
            class.path("submissions").join("exits_at_once"),
            repository.join("solutions"),
            Path::new(GRADE).to_owned(),
            Path::new(GRADE).with_file_name(""),
            repository.clone(),
        ])
        .collect();
    let outside: Vec<String> =
        outside.iter().map(|path| path.display().to_string()).collect();
    let solution = repository.join("solutions/04-echo/src/main.rs");
    const DEPTH: usize = 1 << 17;
    let nested = || format!("{}one{}", "(1 + ".repeat(DEPTH), ")".repeat(DEPTH));
    let mut text = read(&format!("{name}.rs"));
    if text.contains("@NESTED@") {
        text = text.replace("@NESTED@", &nested());
    }
    format!("{text}\n{honest}")
        .replace("@MARK@", &class.mark)
        .replace("@OUTSIDE@", &outside.join(" "))
        .replace("@GROUPS@", &groups_that_stay())
        .replace("@CANARY@", &class.path("outside/canary.txt").display().to_string())
        .replace("@SOLUTION@", &solution.display().to_string())
        .replace("@LISTENERS@", &listeners.addresses())
        .replace("@UNIX@", &class.path("outside/socket").display().to_string())
}

/// The groups that a program is in, as it sees them: only root can give groups up. Those that are not
/// mapped into its namespace show as 65534.
fn groups_that_stay() -> String {
    const OVERFLOW: &str = "65534";
    if geteuid().is_root() {
        return String::new();
    }
    let shown = |group| if group == getegid() { "1000" } else { OVERFLOW };
    getgroups().unwrap().into_iter().map(shown).collect::<Vec<_>>().join(" ")
}

/// Another process of the user as whom the programs run, as far as this machine sees it.
fn bystander() -> Child {
    const NOBODY: u32 = 65534;
    let mut command = Command::new("cat"); // It waits for its input, and ends with this test.
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    if geteuid().is_root() {
        command.uid(NOBODY);
    }
    command.spawn().unwrap()
}

/// Sockets of this machine, on which nobody may call.
struct Listeners {
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
    unix: Vec<UnixListener>,
}

impl Listeners {
    fn new(class: &Class) -> Listeners {
        let mut addresses: Vec<IpAddr> = vec!["127.0.0.1".parse().unwrap()];
        addresses.extend(local_address());
        addresses.extend("::1".parse::<IpAddr>());
        let tcp: Vec<TcpListener> =
            addresses.iter().filter_map(|ip| TcpListener::bind((*ip, 0)).ok()).collect();
        let same =
            |listener: &TcpListener| UdpSocket::bind(listener.local_addr().ok()?).ok();
        let udp = tcp.iter().filter_map(same).collect();
        let name = UnixAddr::from_abstract_name(&class.mark).unwrap();
        let path = class.path("outside/socket");
        let unix = vec![
            UnixListener::bind_addr(&name).unwrap(),
            UnixListener::bind(&path).unwrap(),
        ];
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        Listeners { tcp, udp, unix }
    }

    fn addresses(&self) -> String {
        let addresses = self.tcp.iter().filter_map(|listener| listener.local_addr().ok());
        addresses.map(|address| address.to_string()).collect::<Vec<_>>().join(" ")
    }

    /// Who has called: a connection waits to be accepted, even if its other end is gone.
    fn called(&self) -> Vec<String> {
        let mut called = Vec::new();
        let mut note = |what: &str, error: Option<ErrorKind>| {
            if error != Some(ErrorKind::WouldBlock) {
                called.push(format!("{what}: {error:?}"));
            }
        };
        for listener in &self.tcp {
            listener.set_nonblocking(true).unwrap();
            note("TCP", listener.accept().err().map(|error| error.kind()));
        }
        for socket in &self.udp {
            socket.set_nonblocking(true).unwrap();
            note("UDP", socket.recv_from(&mut [0; 64]).err().map(|error| error.kind()));
        }
        for listener in &self.unix {
            listener.set_nonblocking(true).unwrap();
            note("Unix", listener.accept().err().map(|error| error.kind()));
        }
        called
    }
}

/// The address of this machine in its network, if it is in one. Nothing is sent to find it.
fn local_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect(SocketAddr::from(([192, 0, 2, 1], 9))).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

fn submission<'a>(results: &'a Results, name: &str) -> &'a Submission {
    results.submissions.iter().find(|s| s.student == name).expect("it was graded")
}

/// The time of a submission in which it was in work.
fn took_ms(submission: &Submission) -> u64 {
    let times = submission.times;
    times.build_ms + times.box_ms + times.checks_ms
}

/// What has become of one attack.
fn judge(name: &str) {
    let Some(Aftermath { results, .. }) = aftermath() else { return };
    let attack = ATTACKS.iter().find(|attack| attack.name == name).unwrap();
    let submission = submission(results, name);
    let row = submission.rows.iter().find(|row| row.check == attack.check).unwrap();
    let came = (row.verdict, submission.score);
    let all = verdicts(submission).join("\n");
    let bad = submission.rows.iter().find_map(|row| row.evidence.as_ref());
    let evidence = bad.map_or(String::new(), |evidence| evidence.lines().join("\n"));
    let said = submission.rows[0].compiler.as_deref().unwrap_or_default();
    assert_eq!(came, (attack.verdict, attack.points), "{all}\n{evidence}\n{said}");
    let took = took_ms(submission);
    assert!(took < attack.within * 1000, "it took {took} ms");
}

#[test]
fn the_table_and_the_folder_hold_the_same_attacks() {
    let files = fs::read_dir(workspace().join("crates/grade/tests/attacks")).unwrap();
    let files: BTreeSet<String> = files
        .map(|entry| entry.unwrap().path().file_stem().unwrap().display().to_string())
        .filter(|name| name != "honest")
        .collect();
    let table: BTreeSet<String> = ATTACKS.iter().map(|a| a.name.to_owned()).collect();
    assert_eq!(files, table);
}

#[test]
fn nobody_is_graded_with_the_program_of_another() {
    if !has_namespaces() {
        return;
    }
    let class = Class::new();
    class.hand_in("a-right", &program("src/main.rs"));
    class.hand_in("b-wrong", &program("wrong/as_it_came.rs"));
    class.hand_in("c-garbage", "this is not rust\n");
    for jobs in ["1", "3"] {
        let graded = class.grade(&format!("results-{jobs}"), &["--jobs", jobs]);
        assert_eq!(graded.status, Some(0), "{}", graded.printed);
        let results = graded.results();
        let came: Vec<(&str, u32, Verdict, Verdict)> = results
            .submissions
            .iter()
            .map(|s| (s.student.as_str(), s.score, s.rows[0].verdict, s.rows[2].verdict))
            .collect();
        let wanted = [
            ("a-right", ALL, Verdict::Pass, Verdict::Pass),
            ("b-wrong", 1, Verdict::Pass, Verdict::Fail),
            ("c-garbage", 0, Verdict::BuildError, Verdict::NotRun),
        ];
        assert_eq!(came, wanted, "with {jobs} at a time");
        let diagnosis = results.submissions[1].rows[2].diagnosis.as_deref();
        assert_eq!(diagnosis, Some("not-capitals"));
    }
}

#[test]
fn honest_programs_next_to_attacks_get_all_points() {
    let Some(Aftermath { results, .. }) = aftermath() else { return };
    for name in HONEST {
        let honest = submission(results, name);
        assert_eq!(honest.score, ALL, "{name}: {:#?}", verdicts(honest));
    }
}

#[test]
fn the_grader_has_ended_well_and_knows_everybody() {
    let Some(Aftermath { graded, results, .. }) = aftermath() else { return };
    assert_eq!(graded.status, Some(0), "{}", graded.printed);
    assert_eq!(results.submissions.len(), ATTACKS.len() + HONEST.len());
    assert_eq!(results.problems, [""; 0]);
    assert_eq!(results.grader.sandbox, "namespaces");
    let checks = &results.exercise.checks;
    for submission in &results.submissions {
        let rows: Vec<&str> =
            submission.rows.iter().map(|row| row.check.as_str()).collect();
        let wanted: Vec<&str> = checks.iter().map(|check| check.id.as_str()).collect();
        assert_eq!(rows, wanted, "{}", submission.student);
        assert_eq!(rows[0], BUILDS);
    }
}

#[test]
fn no_folder_of_work_is_left_and_nobody_else_was_ended() {
    let Some(Aftermath { workshops, bystander_lives, .. }) = aftermath() else { return };
    assert_eq!(workshops, &Vec::<PathBuf>::new());
    assert!(bystander_lives, "a process of this machine was ended from within a box");
}

#[test]
fn nobody_was_called_from_within_a_box() {
    let Some(Aftermath { called, .. }) = aftermath() else { return };
    assert_eq!(called, &[""; 0]);
}

#[test]
fn nothing_is_written_outside() {
    let Some(Aftermath { secret, canary, names, left, .. }) = aftermath() else { return };
    assert_eq!(canary, secret);
    assert_eq!(left, &Vec::<PathBuf>::new());
    let class = || ATTACKS.iter().map(|attack| attack.name).chain(HONEST);
    for ((part, wanted), there) in AROUND.iter().zip(names) {
        let wanted: BTreeSet<String> = match *part {
            "submissions" => class().map(str::to_owned).collect(),
            _ => wanted.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(there, &wanted, "in `{part}`");
    }
}

#[test]
fn the_folder_of_results_holds_what_the_grader_writes() {
    let Some(Aftermath { reports, results, .. }) = aftermath() else { return };
    let mut wanted: BTreeSet<String> = [
        "results.json",
        "long.csv",
        "wide.csv",
        "junit.xml",
        "class.html",
        ".grade/lock",
        ".grade/log.jsonl",
        ".grade/settings.toml",
    ]
    .map(str::to_owned)
    .into();
    for submission in &results.submissions {
        let name = grade::reports::text::file_name(&submission.student);
        wanted.insert(format!("gradescope/{name}.json"));
        wanted.insert(format!("classroom50/{name}.json"));
        wanted.insert(format!("messages/{name}.md"));
    }
    let there: BTreeSet<String> = reports.keys().cloned().collect();
    assert_eq!(there, wanted);
}

#[test]
fn all_reports_can_be_read_and_hold_nothing_that_is_obeyed() {
    let Some(all) = aftermath() else { return };
    let printed = [("what the grader printed".to_owned(), all.graded.printed.clone())];
    for (name, text) in all.reports.clone().into_iter().chain(printed) {
        let text = text.as_str();
        assert!(!text.contains(&all.secret), "the secret is in {name}");
        let obeyed = |character: &char| {
            character.is_control() && !matches!(character, '\n' | '\t')
                || matches!(character, '\u{202e}' | '\u{2066}' | '\u{200b}' | '\u{feff}')
        };
        let is_for_people = !name.ends_with(".json") && !name.ends_with(".jsonl");
        let found = text.chars().find(obeyed).filter(|_| is_for_people);
        assert_eq!(found, None, "in {name}");
        let commands = ["::error", "::notice", "::set-output", "##["];
        let is_command =
            |line: &&str| commands.iter().any(|c| line.trim().starts_with(c));
        assert_eq!(text.lines().find(is_command), None, "in {name}");
        if name.ends_with(".json") {
            serde_json::from_str::<Value>(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        } else if name.ends_with(".jsonl") {
            text.lines()
                .for_each(|line| drop(serde_json::from_str::<Value>(line).unwrap()));
        } else if name.ends_with(".csv") {
            for record in csv::Reader::from_reader(text.as_bytes()).records() {
                let record = record.unwrap();
                let formula =
                    |cell: &&str| cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
                assert_eq!(record.iter().find(formula), None, "in {name}");
            }
        } else if name.ends_with(".xml") {
            let report = Report::deserialize_from_str(text).unwrap();
            assert_eq!(report.test_suites.len(), all.results.submissions.len());
        } else if name.ends_with(".html") {
            for tag in ["<script>alert", "<img", "</pre><script"] {
                assert!(!text.contains(tag), "{tag} in {name}");
            }
        }
    }
}

/// All files in a folder and in its folders: their paths from `top` on, and what is in them.
fn files(folder: &Path, top: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path, top));
        } else {
            let text = String::from_utf8(fs::read(&path).unwrap()).expect("UTF-8");
            found.insert(path.strip_prefix(top).unwrap().display().to_string(), text);
        }
    }
    found
}

#[test]
fn a_check_that_is_killed_is_a_mistake_of_the_grader_and_no_zero() {
    if !has_namespaces() {
        return;
    }
    let class = Class::new();
    // Without a pause a check could be over before it is seen.
    let main = "fn main() -> io::Result<()> {";
    let pause = "std::thread::sleep(std::time::Duration::from_millis(500));";
    let slow = program("src/main.rs").replacen(main, &format!("{main} {pause}"), 1);
    assert!(slow.contains(pause));
    class.hand_in("ada", &slow);
    let mut grading = class.start("results", &[]);
    while !grading.has_ended() {
        for player in players(&class) {
            let _ = kill(player, Signal::SIGKILL);
        }
        thread::sleep(Duration::from_millis(1)); // why: a process that appears is no event for std
    }
    let graded = grading.end();
    assert_eq!(graded.status, Some(3), "{}", graded.printed);
    assert!(graded.printed.contains("MISTAKE OF THE GRADER: ada"), "{}", graded.printed);
    let results = graded.results();
    let rows = &results.submissions[0].rows;
    assert_eq!(rows.len(), results.exercise.checks.len());
    assert_eq!(rows[1].verdict, Verdict::GraderError, "{rows:#?}");
    let told = format!("{:?}", rows[1]);
    assert!(told.contains("the player failed: signal 9 has ended it"), "{told}");
    assert!(rows[2..].iter().all(|row| row.verdict == Verdict::NotRun), "{rows:#?}");
    // It was not kept: the same command tries again.
    let again = class.grade("results", &[]);
    assert_eq!((again.status, again.results().submissions[0].score), (Some(0), ALL));
}

/// The processes in which the checks of this class are done.
fn players(class: &Class) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let is_player = |path: PathBuf| {
        let environment = fs::read(path.join("environ")).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment);
        ["COURSE_PART=player\0", "COURSE_TASK=judge ", &class.mark]
            .iter()
            .all(|word| environment.contains(word))
    };
    let players = entries.filter(|entry| is_player(entry.path()));
    let numbers = players.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.map(Pid::from_raw).collect()
}
