//! `zoolab run` without a sweep.

use std::io::Write;
use std::process::Stdio;

use super::{Folder, GOOD, broken, wrong};

#[test]
fn what_is_as_expected_is_a_line_and_a_summary() {
    let folder = Folder::new("run_good");
    folder.write("scenarios/good.json", GOOD);
    let said = folder.zoolab("run");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!("run_good", without_numbers(&said.out));
    assert_eq!(folder.zoolab("run scenarios/good.json").out, said.out, "a file is what its folder is");
}

/// What stays when the behaviour changes: every number is 0, and the digest has its name.
fn without_numbers(text: &str) -> String {
    let (before, digest) = text.lines().next().and_then(|line| line.rsplit_once(' ')).expect("a line that ends in the digest");
    assert!(digest.len() == 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{before}");
    let mut shown = String::new();
    for letter in text.replace(digest, "DIGEST").chars() {
        match letter {
            '0'..='9' if shown.ends_with('0') => {}
            '0'..='9' => shown.push('0'),
            other => shown.push(other),
        }
    }
    shown
}

#[test]
fn what_is_missed_stands_beneath_its_line() {
    let folder = Folder::new("run_missed");
    folder.write("b/wrong.json", &wrong());
    folder.write("b/deep/good.json", GOOD);
    let said = folder.zoolab("run b");
    assert_eq!(said.code, 1);
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].starts_with("ok       A follower is away"), "folders are searched, sorted by path: {}", said.out);
    assert!(lines[1].starts_with("FAIL     Three leaders are expected"), "{}", said.out);
    assert_eq!(lines[2..4], ["         b/wrong.json", "         never saw `established #3`"]);
    assert!(said.out.contains("2 runs: 1 as expected, 1 not"), "{}", said.out);
    assert!(folder.zoolab("run b --seed 3").out.contains("(seed 3; what the file expects was written for seed 7)"));
}

#[test]
fn a_violation_is_reported_with_its_story_and_how_to_see_it_again() {
    let folder = Folder::new("run_violation");
    folder.write("broken.json", &broken("pass"));
    folder.write("known.json", &broken("epoch_promise"));
    let said = folder.zoolab("run broken.json");
    assert_eq!(said.code, 1);
    for part in ["verdict is epoch_promise, expected pass", "  rule  ", "  first  ", "  but  ", "because", "zoolab run broken.json --seed 1 --trace"]
    {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
    let known = folder.zoolab("run known.json");
    assert_eq!(known.code, 0);
    assert!(known.out.lines().next().is_some_and(|line| line.starts_with("ok") && line.ends_with("  epoch_promise")), "{}", known.out);
    assert_eq!(folder.zoolab("run broken.json known.json --no-bugs").code, 0, "without the bug nothing is broken");
}

/// Nobody is left to elect, so the run cannot tell whether anybody would.
#[test]
fn what_cannot_be_decided_is_unknown() {
    let folder = Folder::new("run_unknown");
    let rotten = |server: &str| {
        format!(r#"{{ "after": "0s", "do": "crash {server}" }}, {{ "after": "0s", "do": "disk {server} rot currentEpoch @byte:0 8" }}"#)
    };
    let head = r#""title": "Two disks are dead", "seed": 1, "ensemble": { "servers": 3 }, "run": "2s", "expect": { "verdict": "pass" }"#;
    let steps = format!(r#"{{ "when": "established", "do": "pause s3 for 10ms" }}, {}, {}"#, rotten("s1"), rotten("s2"));
    folder.write("dead.json", &format!(r#"{{ {head}, "steps": [{steps}] }}"#));
    let said = folder.zoolab("run dead.json");
    assert_eq!(said.code, 3, "{}{}", said.out, said.err);
    assert!(said.out.starts_with("UNKNOWN  Two disks are dead") && said.out.contains("1 run: 0 as expected, 1 undecided"), "{}", said.out);
}

#[test]
fn json_is_an_object_a_line() {
    let folder = Folder::new("run_json");
    folder.write("good.json", GOOD);
    folder.write("broken.json", &broken("pass"));
    let said = folder.zoolab("run . --json --twice");
    assert_eq!((said.code, said.err.as_str()), (1, ""));
    let rows: Vec<serde_json::Value> = said.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), 2);
    let text = |row: usize, key: &str| rows[row][key].as_str().expect(key).to_string();
    assert_eq!((text(0, "verdict"), text(1, "verdict")), ("epoch_promise".into(), "pass".into()));
    assert!(text(0, "file").ends_with("broken.json") && text(0, "reason").contains("epoch"));
    assert_eq!((rows[0]["as_expected"].as_bool(), rows[1]["as_expected"].as_bool()), (Some(false), Some(true)));
    assert_eq!(rows[1]["same_twice"], true);
    assert!(u64::from_str_radix(&text(1, "digest"), 16).is_ok() && text(1, "digest").len() == 16);
    assert_eq!((rows[1]["steps_fired"].as_u64(), rows[1]["statistics"]["crashes"].as_u64()), (Some(2), Some(1)));
}

#[test]
fn the_story_is_told_under_its_title() {
    let folder = Folder::new("run_trace");
    folder.write("good.json", GOOD);
    let said = folder.zoolab("run good.json --trace");
    assert_eq!(said.code, 0);
    assert!(said.out.starts_with("A follower is away for a while  good.json\n"), "{}", said.out);
    assert!(said.out.contains("changes its vote from"), "{}", said.out);
    assert!(said.out.contains("\nok       A follower is away"), "{}", said.out);
}

#[test]
fn a_scenario_may_come_through_a_pipe() {
    let folder = Folder::new("run_stdin");
    let mut child = folder.command("run -").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(GOOD.as_bytes()).expect("it is read");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stdout.starts_with(b"ok "));
}

/// As `| head -1` does. What is not seen cannot be trusted: the exit code says so.
#[test]
fn a_reader_that_leaves_is_no_reason_to_panic() {
    let folder = Folder::new("run_closed");
    folder.write("good.json", GOOD);
    for (words, code) in
        [("run good.json", 3), ("run good.json --seeds 1..=3 --json", 3), ("trace good.json --all", 0), ("help steps", 0), ("schema", 0)]
    {
        let mut child = folder.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), err.as_str()), (Some(code), ""), "{words}");
    }
}

#[test]
fn all_that_is_wrong_is_told_and_nothing_is_run() {
    let folder = Folder::new("run_bad");
    folder.write("good.json", GOOD);
    folder.write("a.json", &GOOD.replace("crash", "crahs"));
    folder.write("b.json", &GOOD.replace("\"run\"", "\"rum\""));
    let said = folder.zoolab("run good.json a.json b.json gone.json");
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    for part in ["a.json:4:", "did you mean `crash`?", "b.json:6:", "unknown key `rum`", "cannot read gone.json"] {
        assert!(said.err.contains(part), "{part} in {}", said.err);
    }
}

#[test]
fn mistakes_name_what_was_meant() {
    let folder = Folder::new("run_mistakes");
    folder.write("good.json", GOOD);
    folder.write("empty/readme.txt", "");
    let mistakes = [
        ("run", "cannot read scenarios"),
        ("run god.json", "did you mean good.json?"),
        ("run empty", "holds no scenario"),
        ("runn", "'run'"),
        ("run --sed 3", "'--seed'"),
        ("run --seeds 3..1 good.json", "no seed lies in it"),
        ("run --seeds 3 good.json", "--seed 3"),
        ("run --seed x good.json", "invalid value 'x'"),
        ("run --jobs 0 good.json", "invalid value '0'"),
        ("run --seed 1 --seeds 1..3 good.json", "cannot be used with"),
        ("trace .", "is a folder"),
    ];
    for (words, message) in mistakes {
        let said = folder.zoolab(words);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{words}");
        assert!(said.err.contains(message), "{words}: {}", said.err);
    }
}

/// For continuous integration: a case each, and of what failed the whole report.
#[test]
fn junit_reports_have_a_case_for_each_run() {
    let folder = Folder::new("junit");
    folder.write("a/good.json", GOOD);
    folder.write("a/broken.json", &broken("pass"));
    folder.write("a/wrong.json", &wrong());
    let said = folder.zoolab("run a --junit out.xml");
    assert_eq!(said.code, 1, "{}", said.err);
    let xml = folder.read("out.xml");
    assert!(xml.contains(r#"<testsuites name="zoolab run" tests="3" skipped="0" failures="2" errors="0">"#), "{xml}");
    assert!(xml.contains(r#"<testcase name="A follower is away for a while (seed 7)" classname="a/good.json"#), "{xml}");
    for part in [
        r#"type="epoch_promise""#,
        "  rule    a promised epoch",
        "  first   ",
        "  but     ",
        "  because",
        "again   zoolab run a/broken.json --seed 1 --trace",
    ] {
        assert!(xml.contains(part), "{part}\n{xml}");
    }
    assert!(!xml.contains('\u{1b}') && !xml.contains("timestamp"), "{xml}");
    let again = folder.zoolab("run a --junit again.xml");
    assert_eq!((again.code, folder.read("again.xml")), (1, xml), "the same runs, the same file");
    let sweep = folder.zoolab("run a/good.json --seeds 1..=5 --no-bugs --json --junit sweep.xml");
    assert_eq!((sweep.code, sweep.out.lines().count()), (0, 5), "{}", sweep.err);
    let xml = folder.read("sweep.xml");
    assert!(xml.contains(r#"tests="5" skipped="0" failures="0""#) && xml.contains("(seed 5)"), "{xml}");
}

#[test]
fn junit_reports_are_written_whole_or_not_at_all() {
    let folder = Folder::new("junit_bad");
    folder.write("good.json", GOOD);
    folder.write("out.xml", "what was there");
    folder.write("bad.json", "{");
    assert_eq!(folder.zoolab("run bad.json --junit out.xml").code, 2);
    assert_eq!(folder.read("out.xml"), "what was there");
    let nowhere = folder.zoolab("run good.json --junit none/out.xml");
    assert_eq!((nowhere.code, nowhere.out.as_str()), (2, ""));
    assert_eq!(nowhere.err, "error: cannot write --junit none/out.xml: there is no folder none\n  help: make it first\n");
    let over_folder = folder.zoolab("run good.json --junit .");
    assert!(over_folder.code == 2 && over_folder.err.contains("--junit . is a folder"), "{}", over_folder.err);
    assert_eq!(folder.zoolab("run good.json --junit out.xml").code, 0);
    assert!(folder.read("out.xml").starts_with("<?xml"));
    assert_eq!(folder.names(), ["bad.json", "good.json", "out.xml"], "nothing is left beside it");
}

/// What `--json` has of a violation is what is told of it.
#[test]
fn json_tells_all_of_a_violation() {
    let folder = Folder::new("json_violation");
    folder.write("broken.json", &broken("pass"));
    let said = folder.zoolab("run broken.json --json");
    let row: serde_json::Value = serde_json::from_str(&said.out).expect("an object");
    let violation = &row["violation"];
    assert_eq!((violation["name"].as_str(), violation["code"].as_str()), (Some("epoch_promise"), Some("E-4")));
    assert!(violation["facts"].as_array().is_some_and(|facts| facts.len() == 2 && facts.iter().all(|fact| fact["event"].is_u64())));
    assert_eq!(violation["again"], "zoolab run broken.json --seed 1 --trace");
    folder.write("good.json", GOOD);
    let good: serde_json::Value = serde_json::from_str(&folder.zoolab("run good.json --json").out).expect("an object");
    assert!(good.get("violation").is_none());
}
