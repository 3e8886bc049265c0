//! Transcripts that must fail, each with what the message must say, and
//! correct ones next to them, so that nothing fails for a reason of its own.

use std::fs;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use transcript::note::Note;
use transcript::room::Outcome;
use transcript::{Job, Task};

/// A play of everyday programs, and what must be said of it: nothing if it is right, else these
/// words in this order.
struct Case {
    name: &'static str,
    play: &'static str,
    said: &'static [&'static str],
}

const CASES: &[Case] = &[
    // Correct ones.
    Case { name: "a dialogue", play: DIALOGUE, said: &[] },
    Case {
        name: "a number is bound, checked and put in",
        play: "a$ sh -c 'echo port 4711; read x; echo $x of 4711'\n\
               a| port [PORT]\na> [PORT] [SYN]\na| [PORT] [SYN] of [PORT]\na$",
        said: &[],
    },
    Case {
        name: "lines in any order",
        play: "a$ printf '1\\n2\\n3\\n'\na* 3\na* 1\na* 2\na$",
        said: &[],
    },
    Case {
        name: "a free placeholder does not take another line's text",
        play: "a$ printf 'x 7\\nx 8\\nx 7\\n'\na| x [PORT]\na* x [PORT2]\na* x [PORT]\na$",
        said: &[],
    },
    Case {
        name: "lines are left out",
        play: "a$ printf '1\\n2\\n3\\n4\\n'\na| 1\na| ...\na| 4\na$",
        said: &[],
    },
    Case { name: "all lines are left out", play: "a$ seq 1000\na| ...\na$", said: &[] },
    Case { name: "nothing is left out", play: "a$ echo x\na| ...\na| x\na$", said: &[] },
    Case {
        name: "a prompt without a newline",
        play: "a$ sh -c 'printf \"name? \"; read n; echo hello $n'\n\
               a| name?\na> Ann\na| hello Ann\na$",
        said: &[],
    },
    Case {
        name: "a line whose newline comes late is not a prompt",
        play: "a$ sh -c 'printf ready; echo; read n; echo got $n'\n\
               a| ready\na> x\na| got x\na$",
        said: &[],
    },
    Case {
        name: "the last line has no newline",
        play: "a$ printf x\na| x\na$",
        said: &[],
    },
    Case { name: "a failure is shown", play: "a$ sh -c 'exit 3'\na! 3", said: &[] },
    Case {
        name: "an interrupt",
        play: "a$ cat\na~ waits\na> ^C\na! signal 2",
        said: &[],
    },
    Case { name: "an interrupt, the short way", play: "a$ cat\na> ^C\na$", said: &[] },
    Case { name: "an empty line", play: "a$ cat\na>\na|\na> ^D\na$", said: &[] },
    Case {
        name: "errors and output keep their order",
        play: "a$ sh -c 'echo 1; echo 2 >&2; echo 3'\na| 1\na| 2\na| 3\na$",
        said: &[],
    },
    Case {
        name: "what a program leaves running is ended with it",
        play: "a$ sh -c 'sleep 1000 & echo done'\na| done\na$",
        said: &[],
    },
    Case {
        name: "numbers of different shapes",
        play: "a$ echo 12:30:59 0.031 ms 17 bytes\na| [TIME] [MS] ms [BYTES] [..]\na$",
        said: &[],
    },
    Case {
        name: "an ordinary user in an empty folder",
        play: "a$ sh -c 'id -u; ls -A'\na| 1000\na$",
        said: &[],
    },
    // Broken ones.
    Case {
        name: "wrong text",
        play: "a$ printf 'one\\ntwo\\nthree\\n'\na| one\na| zwei\na| three\na$",
        said: &[
            "test.md:6: shown `zwei`, printed `two` (section \"S\")\n",
            "    a$ printf",
            "    a| one\n  - a| zwei\n  + a| two\n    a| three\n  (a: `printf 'one\\ntwo\\nthree\\n'` ended with 0)",
            "(values: none yet)",
            "to accept what was printed: cargo run -p course -- play test --overwrite",
        ],
    },
    Case {
        name: "other blanks at the end",
        play: "a$ printf 'one \\n'\na| one\na$",
        said: &["shown `one`, printed `one `; they differ in the blanks at the end"],
    },
    Case {
        name: "a missing line, the program runs",
        play: "a$ cat\na> x\na| x\na| y\na> ^D\na$",
        said: &[
            "test.md:7: waited ",
            " s for `y`, it did not come",
            "  - a| y\n",
            "`cat` is running",
        ],
    },
    Case {
        name: "a missing line, the program has ended",
        play: "a$ echo x\na| x\na| y\na$",
        said: &["test.md:6: ended with 0 and did not print `y`"],
    },
    Case {
        name: "a silent program",
        play: "a$ cat\na| x\na> ^D\na$",
        said: &["did not come", "has printed nothing at all", "python3 -u"],
    },
    Case {
        name: "an extra line at the end",
        play: "a$ printf 'x\\ny\\n'\na| x\na$",
        said: &["test.md:6: `a` also printed `y`, which is not shown", "  + a| y\n"],
    },
    Case {
        name: "an extra line before an action",
        play: "a$ sh -c 'echo x; echo y; cat'\na| x\na> z\na| z\na> ^D\na$",
        said: &["test.md:6: `a` also printed `y`, which is not shown"],
    },
    Case {
        name: "a line too early",
        play: "a$ sh -c 'echo x; echo y; cat'\na| x\nb$ true\nb$\na| y\na> ^D\na$",
        said: &[
            "test.md:6: `a` had printed `y` before this step: show it earlier than in line 8",
        ],
    },
    Case {
        name: "a reply before its question",
        play: "a$ cat\na| x\na> x\na> ^D\na$",
        said: &[" s for `x`, it did not come (is it printed only after a later step?)"],
    },
    Case {
        name: "a wrong status",
        play: "a$ sh -c 'exit 1'\na$",
        said: &["test.md:5: ended with 1, shown: 0", "  - a$\n  + a! 1\n"],
    },
    Case {
        name: "a wrong status at the end of the section",
        play: "a$ sh -c 'exit 4'",
        said: &["ended with 4, shown: 0"],
    },
    Case {
        name: "a wrong signal",
        play: "a$ sh -c 'kill -9 $$'\na! signal 15",
        said: &["ended with signal 9, shown: signal 15"],
    },
    Case {
        name: "success where a failure is shown",
        play: "a$ true\na! 1",
        said: &["ended with 0, shown: 1"],
    },
    Case {
        name: "never ends",
        play: "a$ cat\na> x\na| x",
        said: &["still running in `a`; show how it ends (`a> ^C`", "`cat` is running"],
    },
    Case {
        name: "a next command while one is running",
        play: "a$ cat\na$ echo x\na| x\na$",
        said: &["test.md:5: still running in `a`"],
    },
    Case {
        name: "an output flood",
        play: "a$ yes\na| ...\nb$ sleep 5\na> ^C\na$",
        said: &["`a` printed more than 4 MiB and was stopped"],
    },
    Case {
        name: "a placeholder used before it is bound",
        play: "a$ echo [PORT]\na| [PORT]\na$",
        said: &["test.md:4: [PORT] is used before any printed line has shown it"],
    },
    Case {
        name: "two values for one placeholder",
        play: "a$ printf 'x 1\\nx 2\\n'\na| x [PORT]\na| x [PORT]\na$",
        said: &[
            "shown `x 1`, printed `x 2`; [PORT] was 1 before",
            "(values: [PORT] = 1)",
        ],
    },
    Case {
        name: "typed into a dead program",
        play: "a$ true\na> hello\na| hello\na$",
        said: &[
            "nothing runs in `a`: `true` had ended with 0 before `hello` could be typed",
        ],
    },
    Case {
        name: "typed at a prompt",
        play: "a> hello",
        said: &["nothing runs in `a`: start a program before `hello` could be typed"],
    },
    Case {
        name: "printed by nobody",
        play: "b$ true\na| hello",
        said: &["nothing runs in `a`: start a program with `a$ COMMAND` first"],
    },
    Case {
        name: "not silent",
        play: "a$ sh -c 'sleep 0.1; echo x; cat'\na~ waits\na| x\na> ^D\na$",
        said: &["`a` had printed `x` before this step"],
    },
    Case {
        name: "ended instead of waiting",
        play: "a$ sh -c 'sleep 0.1'\na~ waits\na$",
        said: &["test.md:5: ended with 0, shown: it waits"],
    },
    Case {
        name: "lines left out hide no later difference",
        play: "a$ printf '1\\n2\\n3\\n'\na| ...\na| 2\na| 4\na$",
        said: &["shown `4`, printed `3`"],
    },
    Case {
        name: "one line too many in any order",
        play: "a$ printf '1\\n2\\n2\\n'\na* 2\na* 1\na$",
        said: &["also printed `2`"],
    },
    Case {
        name: "a space at the end",
        play: "a$ printf 'x \\n'\na| x\na$",
        said: &["shown `x`, printed `x `"],
    },
    Case {
        name: "no such program",
        play: "a$ no-such-program",
        said: &["there is no program `no-such-program` on this machine"],
    },
    Case {
        name: "no such package",
        play: "a$ cargo run -qp no-such-package -- x",
        said: &["the program `no-such-package` is not built"],
    },
    Case {
        name: "unknown mark",
        play: "a# x",
        said: &["test.md:4: unknown mark `#` in `a# x`: use one of $ | > * ! ~"],
    },
];

/// A dialogue with everything in it, to be broken in many ways.
const DIALOGUE: &str = "server$ cat
client$ sh -c 'echo ready; cat; echo end'
client| ready
server> one
server| one
client> two
client| two
server> three
server| three
client> ^D
client| end
client$
server> ^C
server! signal 2
";

/// Breaks the line with this number; says whether the transcript is broken now.
type Damage = fn(&mut Vec<String>, usize) -> bool;

/// Ways to break a transcript. Each must be noticed, wherever it is done.
const DAMAGES: &[(&str, Damage)] = &[
    ("a letter changed", |lines, n| change(lines, n, |line| line.replace('e', "E"))),
    ("another status", |lines, n| {
        change(lines, n, |line| line.replace("signal 2", "signal 9"))
    }),
    ("a line twice", |lines, n| {
        let line = lines[n].clone();
        lines.insert(n, line);
        is_output(lines, n)
    }),
    ("a line left out", |lines, n| is_output(&[lines.remove(n)], 0)),
    ("the end left out", |lines, n| {
        ["server> ^C", "client> ^D"].contains(&&*lines.remove(n))
    }),
    ("a line one action too late", |lines, n| {
        let is_output = is_output(lines, n);
        let later = (n + 1..lines.len()).find(|&n| is_action(lines, n));
        if let Some(later) = later {
            let line = lines.remove(n);
            lines.insert(later, line);
        }
        is_output && later.is_some()
    }),
    ("a line one action too early", |lines, n| {
        let is_output = is_output(lines, n);
        let earlier = (0..n).rev().find(|&n| is_action(lines, n));
        if let Some(earlier) = earlier {
            let line = lines.remove(n);
            lines.insert(earlier, line);
        }
        is_output && earlier.is_some()
    }),
];

fn change(lines: &mut [String], n: usize, change: impl Fn(&str) -> String) -> bool {
    let changed = change(&lines[n]);
    let is_damage = changed != lines[n] && !is_action(lines, n);
    lines[n] = changed;
    is_damage
}

fn is_output(lines: &[String], n: usize) -> bool {
    lines[n].contains('|')
}

fn is_action(lines: &[String], n: usize) -> bool {
    lines[n].contains('>') || lines[n].contains("$ ")
}

pub fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = CASES
        .iter()
        .map(|case| {
            // On a busy machine a program prints later, and then another message is true, too.
            let judged = |patience| judge(&outcome(case.play, patience), case.said);
            Trial::test(case.name, move || {
                judged(LITTLE_PATIENCE).or_else(|_| judged(MUCH_PATIENCE))
            })
        })
        .collect();
    let lines: Vec<String> = DIALOGUE.lines().map(str::to_owned).collect();
    for &(damage, apply) in DAMAGES {
        for n in 0..lines.len() {
            let mut broken = lines.clone();
            if !apply(&mut broken, n) {
                continue;
            }
            let name = format!("{damage}: `{}` in line {}", lines[n], n + 1);
            trials.push(Trial::test(name, move || notices(&broken.join("\n"))));
        }
    }
    trials
}

/// Long enough for what comes at all, and short enough for what never comes.
const LITTLE_PATIENCE: Duration = Duration::from_millis(500);

/// Long enough also on a machine that has much else to do.
const MUCH_PATIENCE: Duration = Duration::from_secs(5);

fn outcome(play: &str, patience: Duration) -> Outcome {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let note = folder.path().join("test.md");
    let text = format!("# T\n## S\n```console\n{play}\n```\n");
    fs::write(&note, text).expect("it can be written");
    if let Err(mistake) = Note::read(&note) {
        return Outcome::Failed(mistake);
    }
    Job { task: Task::Check, note, section: 0, privileged: false, patience }.run()
}

fn judge(outcome: &Outcome, said: &[&str]) -> Result<(), Failed> {
    match outcome {
        Outcome::Passed(_) if said.is_empty() => Ok(()),
        Outcome::Passed(_) => Err(Failed::from("this must fail")),
        Outcome::Skipped(reason) => Err(Failed::from(reason.as_str())),
        Outcome::Failed(message) if said.is_empty() => {
            Err(Failed::from(message.as_str()))
        }
        Outcome::Failed(message) => {
            let mut rest = message.as_str();
            for words in said {
                let Some((_, after)) = rest.split_once(words) else {
                    return Err(Failed::from(format!(
                        "`{words}` is not said in:\n{message}"
                    )));
                };
                rest = after;
            }
            Ok(())
        }
    }
}

/// Says that a broken transcript fails. A line that is shown one action too late can slip through on
/// a busy machine, when the program takes more than a moment to print it; it does not every time.
fn notices(broken: &str) -> Result<(), Failed> {
    let fails = |_| matches!(outcome(broken, LITTLE_PATIENCE), Outcome::Failed(_));
    match (0..5).any(fails) {
        true => Ok(()),
        false => Err(Failed::from(format!("nobody noticed:\n{broken}"))),
    }
}
