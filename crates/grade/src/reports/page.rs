//! `class.html`: one page for the teacher, with everything.
//!
//! It needs no network and no server, and works without its script, which only sorts tables and
//! opens what a link points to. All text is escaped; besides, the page allows no other script
//! than its own, so a mistake of ours would show markup but run nothing.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use crate::reports::explain::{self, Reader, is_failure};
use crate::reports::text::{html, html_sentence, sha256};
use crate::results::{Results, Row, Submission, Verdict};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Below so many points, each score has a bar of its own; else a bar counts several.
const BARS: u64 = 25;

/// All verdicts in the order of the legend: the sign in the table, and what it means.
const VERDICTS: [(Verdict, &str, &str); 8] = [
    (Verdict::Pass, "✓", "passed"),
    (Verdict::Fail, "✗", "failed"),
    (Verdict::Crash, "!", "crashed"),
    (Verdict::Timeout, "T", "not in time"),
    (Verdict::Limit, "L", "beyond a limit"),
    (Verdict::BuildError, "B", "does not compile"),
    (Verdict::NotRun, "–", "not run"),
    (Verdict::GraderError, "?", "grader error"),
];

/// The whole page.
pub fn page(results: &Results) -> String {
    let parts = [
        heading(results),
        grader_errors(results),
        numbers(results),
        spread(results),
        checks(results),
        clusters(results),
        table(results),
        times(results),
        problems(results),
        details(results),
    ];
    let body = parts.concat();
    let title = html(&results.exercise.title);
    // Only the script with this mark runs. It is made from the page, so no text in the page can
    // know it.
    let mark = sha256(&body);
    format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'nonce-{mark}'; base-uri 'none'; \
         form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}: the class</title>\n\
         <style>\n{STYLE}</style>\n\
         <main>\n{body}</main>\n\
         <script nonce=\"{mark}\">\n{SCRIPT}</script>\n\
         </html>\n"
    )
}

fn heading(results: &Results) -> String {
    let grader = &results.grader;
    let safety = if explain::is_degraded(results) {
        " <span class=\"flag warn\">less than full isolation</span>"
    } else {
        ""
    };
    let facts = [
        ("exercise", format!("<code>{}</code>", html(&results.exercise.name))),
        ("graded", html(&readable(&grader.finished))),
        ("took", duration(grader.took_ms)),
        ("seed", grader.seed.to_string()),
        ("sandbox", format!("{}{safety}", html(&grader.sandbox))),
        ("compiler", html(&grader.compiler)),
        ("grader", html(&grader.version)),
        (
            "checks",
            format!("<code class=\"hash\">{}</code>", html(&short(&grader.checks))),
        ),
    ];
    let facts: Vec<String> = facts
        .iter()
        .map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n"))
        .collect();
    format!(
        "<header>\n<p class=\"eyebrow\">Results of the class</p>\n<h1>{}</h1>\n\
         <dl class=\"facts\">\n{}</dl>\n</header>\n",
        html_sentence(&results.exercise.title),
        facts.concat()
    )
}

/// On top, because no grade is final before these are looked at.
fn grader_errors(results: &Results) -> String {
    let items: Vec<String> = each_row(results)
        .filter(|(_, _, row)| row.verdict == Verdict::GraderError)
        .map(|(place, submission, row)| {
            let (who, check) = (link(place, submission), html(&row.check));
            format!(
                "<li>{who}, <code>{check}</code>: {}</li>\n",
                html_sentence(&row.message)
            )
        })
        .collect();
    if items.is_empty() {
        return String::new();
    }
    format!(
        "<section class=\"alarm\" role=\"alert\">\n<h2>{}</h2>\n\
         <p>The grader could not judge these. The points of these students are not final: find \
         the cause, and grade them again.</p>\n<ul>\n{}</ul>\n</section>\n",
        counted(items.len(), "grader error", "grader errors"),
        items.concat()
    )
}

fn numbers(results: &Results) -> String {
    let submissions = &results.submissions;
    let points = results.exercise.points;
    let count =
        |is: &dyn Fn(&Submission) -> bool| submissions.iter().filter(|s| is(s)).count();
    let has_flag = |flag: &'static str| {
        count(&|submission| explain::flags(results, submission).contains(&flag))
    };
    let errors = each_row(results)
        .filter(|(_, _, row)| row.verdict == Verdict::GraderError)
        .count();
    let median = match median(final_scores(results)) {
        Some(median) => format!("{median} <small>of {points}</small>"),
        None => "–".to_owned(),
    };
    let full = count(&|s| !s.has_grader_error() && s.score >= s.max_score());
    let cards = [
        ("submissions", submissions.len().to_string(), ""),
        ("median", median, ""),
        ("full marks", full.to_string(), "good"),
        ("do not compile", has_flag("build_error").to_string(), ""),
        ("flaky", has_flag("flaky").to_string(), ""),
        ("changed by hand", has_flag("overridden").to_string(), ""),
        ("grader errors", errors.to_string(), if errors > 0 { "bad" } else { "" }),
    ];
    let cards: Vec<String> = cards
        .iter()
        .map(|(name, value, class)| {
            format!("<div class=\"card {class}\"><dt>{name}</dt><dd>{value}</dd></div>\n")
        })
        .collect();
    format!("<dl class=\"cards\">\n{}</dl>\n", cards.concat())
}

/// How many have how many points.
fn spread(results: &Results) -> String {
    let scores = final_scores(results);
    let Some(highest) = scores.iter().copied().max() else { return String::new() };
    let highest = highest.max(u64::from(results.exercise.points));
    let width = highest / BARS + 1;
    let bars: Vec<(u64, usize)> = (0..=highest / width)
        .map(|bar| (bar * width, scores.iter().filter(|s| *s / width == bar).count()))
        .collect();
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let bars: Vec<String> = bars
        .iter()
        .map(|(from, count)| {
            let shown = if *count == 0 { String::new() } else { count.to_string() };
            format!(
                "<li><span class=\"count\">{shown}</span><i style=\"height:{}%\"></i>\
                 <span class=\"label\">{from}</span></li>\n",
                percent(*count, most)
            )
        })
        .collect();
    let range = match width {
        1 => String::new(),
        width => format!(" A bar counts {width} scores, from the one below it."),
    };
    format!(
        "<section>\n<h2>Points</h2>\n<p class=\"hint\">How many students have how many \
         points.{range}</p>\n<ol class=\"spread\">\n{}</ol>\n</section>\n",
        bars.concat()
    )
}

/// For each check, how it went for how many.
fn checks(results: &Results) -> String {
    let mut items = String::new();
    for check in &results.exercise.checks {
        let rows: Vec<&Row> = each_row(results)
            .filter(|(_, _, row)| row.check == check.id)
            .map(|(_, _, row)| row)
            .collect();
        let mut bar = String::new();
        let mut words = Vec::new();
        for (verdict, _, means) in VERDICTS {
            let count = rows.iter().filter(|row| row.verdict == verdict).count();
            if count > 0 {
                let _ = write!(
                    bar,
                    "<i class=\"{}\" style=\"width:{}%\"></i>",
                    verdict.name(),
                    percent(count, rows.len())
                );
                words.push(format!("{count} {means}"));
            }
        }
        let passed = rows.iter().filter(|row| row.verdict == Verdict::Pass).count();
        let private =
            if check.private { " <span class=\"flag\">private</span>" } else { "" };
        let worth = match check.points {
            0 => String::new(),
            points => {
                format!(" <span class=\"worth\">{}</span>", explain::points(points))
            }
        };
        let _ = writeln!(
            items,
            "<li><p><code>{}</code>{worth}{private}<br><span class=\"says\">{}</span></p>\
             <div class=\"bar\" role=\"img\" aria-label=\"{words}\" title=\"{words}\">{bar}</div>\
             <p class=\"of\"><b>{passed}</b> of {}</p></li>",
            html(&check.id),
            html_sentence(&check.says),
            rows.len(),
            words = words.join(", "),
        );
    }
    format!(
        "<section>\n<h2>Checks</h2>\n<p class=\"hint\">How many programs pass each check. \
         Green: passed. Red: failed. Amber: crashed, not in time, beyond a limit, or not \
         compiled. Violet: a grader error. Grey: not run, because something before it \
         failed.</p>\n\
         <ol class=\"checks\">\n{items}</ol>\n</section>\n"
    )
}

/// The same mistake of one or several students.
struct Cluster<'r> {
    /// The row of one of them.
    row: &'r Row,
    /// All of them, with their places.
    members: Vec<(usize, &'r Submission)>,
}

/// The same mistake stands once, so that a teacher can answer all who made it.
fn clusters(results: &Results) -> String {
    let mut by_mistake: BTreeMap<(&str, &str), Cluster> = BTreeMap::new();
    for (place, submission, row) in
        each_row(results).filter(|(_, _, r)| is_failure(r.verdict))
    {
        let mistake = row.diagnosis.as_deref().unwrap_or(&row.message);
        let cluster = by_mistake
            .entry((&row.check, mistake))
            .or_insert(Cluster { row, members: Vec::new() });
        cluster.members.push((place, submission));
    }
    let mut clusters: Vec<Cluster> = by_mistake.into_values().collect();
    clusters.sort_by_key(|cluster| Reverse(cluster.members.len()));
    if clusters.is_empty() {
        return "<section>\n<h2>Mistakes</h2>\n<p>No check failed.</p>\n</section>\n"
            .to_owned();
    }
    let (several, single): (Vec<_>, Vec<_>) =
        clusters.iter().partition(|cluster| cluster.members.len() > 1);
    let list = |clusters: Vec<&Cluster>| {
        let items: Vec<String> =
            clusters.iter().map(|cluster| mistake(results, cluster)).collect();
        format!("<ol class=\"clusters\">\n{}</ol>\n", items.concat())
    };
    let mut text =
        "<section>\n<h2>Mistakes</h2>\n<p class=\"hint\">The same check with the \
                    same diagnosis, the most frequent first.</p>\n"
            .to_owned();
    if !several.is_empty() {
        text.push_str(&list(several));
    }
    if !single.is_empty() {
        let count = counted(
            single.len(),
            "mistake of a single student",
            "mistakes of single students",
        );
        let list = list(single);
        let _ = writeln!(text, "<details>\n<summary>{count}</summary>\n{list}</details>");
    }
    text.push_str("</section>\n");
    text
}

fn mistake(results: &Results, cluster: &Cluster) -> String {
    let Cluster { row, members } = cluster;
    let words = match (explain::diagnosis(results, row), row.message.as_str()) {
        (Some(words), _) => html_sentence(words),
        (None, "") => html(row.verdict.name()),
        (None, message) => html_sentence(message),
    };
    let who: Vec<String> =
        members.iter().map(|(place, submission)| link(*place, submission)).collect();
    format!(
        "<li><b class=\"count\">{}</b><div><p>{words} <code>{}</code></p>\
         <p class=\"who\">{}</p></div></li>\n",
        members.len(),
        html(&row.check),
        who.join(", ")
    )
}

/// Students by checks.
fn table(results: &Results) -> String {
    let heads: Vec<String> = results
        .exercise
        .checks
        .iter()
        .map(|check| {
            let (id, says) = (html(&check.id), html(&check.says));
            format!("<th scope=\"col\" class=\"check\" title=\"{says}\">{id}</th>")
        })
        .collect();
    let mut rows = String::new();
    for (place, submission) in results.submissions.iter().enumerate() {
        let cells: Vec<String> = results
            .exercise
            .checks
            .iter()
            .map(|check| cell(submission.rows.iter().find(|row| row.check == check.id)))
            .collect();
        let unsure = if submission.has_grader_error() { "?" } else { "" };
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{}</th><td class=\"score\">{}{unsure}</td>{}</tr>",
            link(place, submission),
            submission.score,
            cells.concat()
        );
    }
    let legend: Vec<String> = VERDICTS
        .iter()
        .map(|(verdict, sign, means)| {
            format!(
                "<span><b class=\"sign {}\">{sign}</b> {means}</span>\n",
                verdict.name()
            )
        })
        .collect();
    format!(
        "<section>\n<h2>Students</h2>\n<p class=\"legend\">{}\
         <span><b>~</b> flaky</span>\n<span><b>*</b> changed by hand</span></p>\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Students and checks\">\n\
         <table class=\"sorts\">\n<thead><tr><th scope=\"col\">student</th>\
         <th scope=\"col\" class=\"check\">points</th>{}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</div>\n</section>\n",
        legend.concat(),
        heads.concat()
    )
}

fn cell(row: Option<&Row>) -> String {
    let Some(row) = row else { return "<td></td>".to_owned() };
    let sign = sign(row.verdict);
    let flaky = if row.flaky { "~" } else { "" };
    let changed = if row.overridden.is_some() { "*" } else { "" };
    let title = match row.message.as_str() {
        "" => String::new(),
        message => format!(" title=\"{}\"", html(message)),
    };
    format!(
        "<td class=\"sign {}\"{title}>{sign}{flaky}{changed}</td>",
        row.verdict.name()
    )
}

fn sign(verdict: Verdict) -> &'static str {
    VERDICTS.iter().find(|(v, _, _)| *v == verdict).map_or("", |(_, sign, _)| sign)
}

/// Where the time went.
fn times(results: &Results) -> String {
    let mut stages =
        ["unpack", "build", "boxes", "checks"].map(|name| (name, Vec::new()));
    for Submission { times, .. } in &results.submissions {
        let spent = [times.stage_ms, times.build_ms, times.box_ms, times.checks_ms];
        for ((_, stage), ms) in stages.iter_mut().zip(spent) {
            stage.push(ms);
        }
    }
    let whole: u64 = stages.iter().flat_map(|(_, times)| times).sum();
    let mut rows = String::new();
    for (name, mut times) in stages {
        let longest = times.iter().copied().enumerate().max_by_key(|(_, ms)| *ms);
        let Some((place, longest)) = longest else { return String::new() };
        let sum: u64 = times.iter().sum();
        times.sort_unstable();
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\">{name}</th><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}</td><td class=\"wide\"><div class=\"bar\">\
             <i class=\"time\" style=\"width:{}%\"></i></div></td></tr>",
            duration(sum),
            duration(times[times.len() / 2]),
            duration(longest),
            link(place, &results.submissions[place]),
            percent(sum as usize, whole as usize)
        );
    }
    format!(
        "<section>\n<h2>Time</h2>\n<p class=\"hint\">Sums over all submissions; several are \
         graded at the same time. The whole took {}.</p>\n<div class=\"scroll\">\n\
         <table class=\"times\">\n<thead><tr><th scope=\"col\">stage</th>\
         <th scope=\"col\">sum</th><th scope=\"col\">median</th><th scope=\"col\">longest</th>\
         <th scope=\"col\">of</th><th scope=\"col\">share</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</div>\n</section>\n",
        duration(results.grader.took_ms)
    )
}

/// What could not be graded, and what was strange.
fn problems(results: &Results) -> String {
    let problems: Vec<String> = results
        .problems
        .iter()
        .map(|problem| format!("<li>{}</li>\n", html_sentence(problem)))
        .collect();
    let remarks: Vec<String> = results
        .submissions
        .iter()
        .enumerate()
        .flat_map(|(place, submission)| {
            submission.remarks.iter().map(move |remark| {
                format!(
                    "<li>{}: {}</li>\n",
                    link(place, submission),
                    html_sentence(remark)
                )
            })
        })
        .collect();
    let mut text = String::new();
    for (heading, items) in [("Not graded", problems), ("Remarks", remarks)] {
        if !items.is_empty() {
            let _ = writeln!(
                text,
                "<section>\n<h2>{heading}</h2>\n<ul class=\"remarks\">\n{}</ul>\n</section>",
                items.concat()
            );
        }
    }
    text
}

/// Everything about each student, folded.
fn details(results: &Results) -> String {
    let all: Vec<String> = results
        .submissions
        .iter()
        .enumerate()
        .map(|(place, submission)| student(results, place, submission))
        .collect();
    format!("<section id=\"details\">\n<h2>Details</h2>\n{}</section>\n", all.concat())
}

fn student(results: &Results, place: usize, submission: &Submission) -> String {
    let flags: Vec<String> = explain::flags(results, submission)
        .iter()
        // The sandbox is that of the whole class, and said on top.
        .filter(|flag| **flag != "degraded_sandbox")
        .map(|flag| format!(" <span class=\"flag\">{}</span>", flag.replace('_', " ")))
        .collect();
    let mut text = format!(
        "<details class=\"student\" id=\"s{place}\">\n<summary><span class=\"score\">{} \
         <small>of {}</small></span> {}{}</summary>\n",
        submission.score,
        submission.max_score(),
        who(submission),
        flags.concat()
    );
    let times = &submission.times;
    let _ = writeln!(
        text,
        "<p class=\"hint\">from <code>{}</code>, SHA-256 <code class=\"hash\">{}</code>; \
         unpack {}, build {}, boxes {}, checks {}</p>",
        html(&submission.source),
        html(&short(&submission.digest)),
        duration(times.stage_ms),
        duration(times.build_ms),
        duration(times.box_ms),
        duration(times.checks_ms)
    );
    let mut passed = Vec::new();
    for row in &submission.rows {
        let notes = explain::notes(row);
        if row.verdict == Verdict::Pass && notes.is_empty() {
            passed.push(format!("<code>{}</code>", html(&row.check)));
        } else {
            text.push_str(&row_details(results, row, &notes));
        }
    }
    if !passed.is_empty() {
        let _ = writeln!(text, "<p class=\"passed\">Passed: {}</p>", passed.join(", "));
    }
    let remarks = submission.remarks.iter();
    let remarks: Vec<String> =
        remarks.map(|remark| format!("<li>{}</li>\n", html_sentence(remark))).collect();
    if !remarks.is_empty() {
        let _ = writeln!(text, "<ul class=\"remarks\">\n{}</ul>", remarks.concat());
    }
    text.push_str("</details>\n");
    text
}

fn row_details(results: &Results, row: &Row, notes: &[String]) -> String {
    let verdict = row.verdict.name();
    let mut text = format!(
        "<h3><b class=\"sign {verdict}\">{}</b> <code>{}</code> \
         <span class=\"worth\">{}/{}, {}</span></h3>\n",
        sign(row.verdict),
        html(&row.check),
        row.points,
        row.max_points,
        duration(row.took_ms)
    );
    for note in notes {
        let _ = writeln!(text, "<p class=\"note\">{}</p>", html(note));
    }
    let lines = explain::lines(results, row, Reader::Instructor);
    if row.verdict == Verdict::NotRun {
        let _ = writeln!(text, "<p>not run: {}</p>", html_sentence(&row.message));
    } else if !lines.is_empty() {
        // These are visible text already. Making them visible again changes nothing.
        let _ = writeln!(text, "<pre tabindex=\"0\">{}</pre>", html_lines(&lines));
    }
    text
}

fn html_lines(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| html(line)).collect();
    lines.join("\n")
}

/// All rows of all submissions, with the place of the submission.
fn each_row(results: &Results) -> impl Iterator<Item = (usize, &Submission, &Row)> {
    results.submissions.iter().enumerate().flat_map(|(place, submission)| {
        submission.rows.iter().map(move |row| (place, submission, row))
    })
}

/// The scores that are final.
fn final_scores(results: &Results) -> Vec<u64> {
    let known = results.submissions.iter().filter(|s| !s.has_grader_error());
    known.map(|submission| u64::from(submission.score)).collect()
}

/// The middle one, or what is in the middle of the two in the middle.
fn median(mut scores: Vec<u64>) -> Option<String> {
    scores.sort_unstable();
    let upper = *scores.get(scores.len() / 2)?;
    let lower = scores[(scores.len() - 1) / 2];
    let half = if (upper + lower) % 2 == 1 { ".5" } else { "" };
    Some(format!("{}{half}", (upper + lower) / 2))
}

/// A student, who may write from right to left.
fn who(submission: &Submission) -> String {
    let id = html(&submission.student);
    match &submission.name {
        Some(name) => {
            let name = html(name);
            format!("<bdi class=\"name\">{name}</bdi> <bdi class=\"id\">{id}</bdi>")
        }
        None => format!("<bdi class=\"name\">{id}</bdi>"),
    }
}

fn link(place: usize, submission: &Submission) -> String {
    let name = html(submission.name.as_deref().unwrap_or(&submission.student));
    let id = html(&submission.student);
    format!("<a href=\"#s{place}\" title=\"{id}\"><bdi>{name}</bdi></a>")
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A part in percent, with one decimal.
fn percent(part: usize, whole: usize) -> String {
    format!("{:.1}", 100.0 * part as f64 / whole.max(1) as f64)
}

/// A time as people say it.
fn duration(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{:.1} s", ms as f64 / 1000.0),
        _ => format!("{} min {} s", ms / 60_000, ms / 1000 % 60),
    }
}

/// An instant with minutes; what is none stays as it is.
fn readable(instant: &str) -> String {
    match instant.parse::<jiff::Timestamp>() {
        Ok(instant) => instant.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => instant.to_owned(),
    }
}

/// The first digits of a hash: enough to compare by eye.
fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3, 1, 2]).as_deref(), Some("2"));
        assert_eq!(median(vec![4, 1]).as_deref(), Some("2.5"));
        assert_eq!(median(vec![1, 3]).as_deref(), Some("2"));
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(999), "999 ms");
        assert_eq!(duration(1500), "1.5 s");
        assert_eq!(duration(83_000), "1 min 23 s");
    }
}
