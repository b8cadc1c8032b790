//! `zoolab shell`, its lines coming through a pipe.

use std::io::Write;
use std::process::Stdio;

use super::{Folder, Said, broken};

/// What the shell says to these lines.
fn shell(folder: &Folder, words: &str, lines: &[&str]) -> Said {
    let mut child = folder.command(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    // It may end before it has read everything.
    let _ = child.stdin.take().expect("a pipe").write_all((lines.join("\n") + "\n").as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    Said { code: output.status.code().expect("an exit code"), out: text(&output.stdout), err: text(&output.stderr) }
}

/// Without the story, whose lines begin with the number of an event.
fn answers(said: &Said) -> String {
    let is_story = |line: &&str| line.starts_with(' ') && line.trim_start().starts_with(|letter: char| letter.is_ascii_digit());
    said.out.lines().filter(|line| !is_story(line)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn answers_are_laid_out_as_by_zk_cli() {
    let lines = [
        "create /a some",
        "create /a again",
        "create -s /a/n-",
        "get -s /a",
        "set /a more",
        "set -s -v 7 /a less",
        "ls /",
        "ls -R /a",
        "stat /a",
        "",
        "delete /a",
        "delete /nobody",
        "sync /a",
        "deleteall /a",
        "get /a",
        "close",
        "get /",
        "connect s2",
        "ls /",
        "quit",
        "ls /never",
    ];
    let said = shell(&Folder::new("shell_answers"), "shell --seed 5", &lines);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!("shell_answers", answers(&said));
}

/// The list in force, its version last, and what a reconfiguration is answered with.
#[test]
fn the_configuration_is_shown_as_by_zk_cli() {
    let folder = Folder::new("shell_config");
    let ensemble = r#"{ "servers": 3, "config": { "reconfigEnabled": true, "skipACL": "yes" } }"#;
    folder.write("a.json", &format!(r#"{{ "title": "t", "why": "w", "ensemble": {ensemble}, "run": "60s", "expect": {{ "verdict": "pass" }} }}"#));
    let lines =
        ["config", "config -c", "reconfig -v 1 -remove s1", "reconfig -s -remove 1", "config -s", "config -x", "reconfig -members s1 -remove s2"];
    let said = shell(&folder, "shell a.json", &lines);
    insta::assert_snapshot!("shell_config", answers(&said) + &said.err);
}

/// The order and the layout are those that a real zkCli showed for the same lines.
#[test]
fn its_watcher_prints_what_it_is_told() {
    let lines = [
        "create /a some",
        "get -w /a",
        "set /a more",
        "ls -w /a",
        "create /a/k1",
        "stat -w /b",
        "create /b",
        "addWatch /a",
        "addWatch -m PERSISTENT /a/k1",
        "set /a/k1 v",
        "delete /a/k1",
        "removewatches /a",
        "removewatches /zzz",
        "removewatches -l /a",
        "get -w /a",
        "removewatches -d /a",
        "ls -w /a",
        "removewatches -c -l /a",
        "get -w /a",
        "create -e /a/e",
        "deleteall /a",
        "c2 create /w x",
        "addWatch -m PERSISTENT /w",
        "get -w /w",
        "ls -w /w",
        "c2 create /w/x",
        "run 20ms",
        "removewatches -a /w",
        "close",
        "ls /",
        "close",
        "connect",
        "addauth foo bar",
        "ls /",
        "connect",
    ];
    let folder = Folder::new("shell_watcher");
    folder.write("two.json", &two_clients("3.9"));
    folder.write("old.json", &two_clients("3.8"));
    let said = shell(&folder, "shell two.json", &lines);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!("shell_watcher", answers(&said));
    // Until 3.9 a watcher is told no transaction.
    let said = shell(&folder, "shell old.json", &lines[..3]);
    assert!(answers(&said).ends_with("\nWATCHER::\n\nWatchedEvent state:SyncConnected type:NodeDataChanged path:/a\n"), "{}", said.out);
}

fn two_clients(version: &str) -> String {
    let ensemble = format!(r#""ensemble": {{ "servers": 3, "version": "{version}" }}"#);
    format!(r#"{{ "title": "two clients", {ensemble}, "clients": {{ "c1": {{}}, "c2": {{}} }}, "run": "1s", "expect": {{}} }}"#)
}

/// What a session goes through while nobody asks anything.
#[test]
fn its_watcher_is_told_of_the_session() {
    let lines =
        ["create -e /e", "partition c1 | s1 s2 s3", "run 4s", "heal", "run 5s", "partition c1 | s1 s2 s3", "run 60s", "heal", "run 20s", "ls /"];
    let folder = Folder::new("shell_session");
    let scenario = r#"{ "title": "one", "ensemble": { "servers": 3 }, "clients": { "c1": { "timeout": "6s" } }, "run": "1s", "expect": {} }"#;
    folder.write("one.json", scenario);
    let said = shell(&folder, "shell one.json", &lines);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!("shell_session", answers(&said));
}

/// zkCli has no multi; each of its parts has a line here.
#[test]
fn each_part_of_a_multi_has_a_line() {
    let lines = [
        "create /a x",
        "multi create /b ; set /a y ; check -v 1 /a ; create -s /a/n-",
        "multi create /c ; check -v 7 /a ; delete /b ; set /a \"z ; z\"",
        "multiRead get /a ; ls /a ; get /c",
        "getAcl -s /b",
        "setAcl /b world:anyone:r",
        "setAcl -s -v 1 /b world:anyone:cdrwa",
        "set /b x",
        "whoami",
        "getEphemerals",
        "getAllChildrenNumber /a",
        "history",
        "redo 0",
        "redo 99",
    ];
    let said = shell(&Folder::new("shell_multi"), "shell", &lines);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!("shell_multi", answers(&said));
}

/// Node by node, as zkCli asks; the order is its own: all children of a node, then what is below each.
#[test]
fn whole_subtrees_are_listed_opened_and_deleted() {
    let lines = [
        "create /a",
        "create /a/b",
        "create /a/b/c",
        "create /a/d",
        "ls -R /a",
        "ls -R -w /a",
        "create /a/d/e",
        "set /a x",
        "ls -R /nobody",
        "setAcl -R -v 7 /a world:anyone:r",
        "setAcl -R -v 0 /a world:anyone:cdra",
        "getAcl /a/d/e",
        "set /a/b/c x",
        "create /f",
        "create /f/g",
        "create /f/h",
        "deleteall /f -b 2",
        "deleteall /f",
        "create -e /a/b/gone",
        "setAcl /a world:anyone:cr",
        "deleteall -b 1 /a",
        "deleteall -b 0 /a",
        "ls -R /a",
        "create /p x",
        "get -w /p",
        "printwatches",
        "printwatches off",
        "c2 set /p y",
        "printwatches on",
        "get -w /p",
        "redo 27",
        "history",
        "redo 77",
        "redo 32",
        "history",
    ];
    let folder = Folder::new("shell_subtrees");
    folder.write("two.json", &two_clients("3.9"));
    let said = shell(&folder, "shell two.json", &lines);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    insta::assert_snapshot!("shell_subtrees", answers(&said));
}

/// Each limit, what zkCli has against some of them, and what a hard one forbids.
#[test]
fn quotas_are_set_and_shown_as_by_zk_cli() {
    let folder = Folder::new("shell_quotas");
    let ensemble = r#"{ "servers": 3, "config": { "enforceQuota": true } }"#;
    folder.write("a.json", &format!(r#"{{ "title": "t", "why": "w", "ensemble": {ensemble}, "run": "60s", "expect": {{ "verdict": "pass" }} }}"#));
    let lines = [
        "create /q",
        "create /q/a 12345",
        "create /q/a/b",
        "listquota /q",
        "setquota -n 3 /nobody",
        "setquota -n 0 /q",
        "setquota -N -5 /q",
        "setquota -B -1 /q",
        "setquota -n 3 /zookeeper/quota/q",
        "setquota -n 2 /q/a",
        "listquota /q/a",
        "setquota -b 3 /q/a",
        "setquota -N 3 /q",
        "setquota -N 3 /q/a/b",
        "setquota -N 2 /q/a",
        "setquota -B 6 /q/a",
        "listquota /q/a",
        "create /q/a/c",
        "set /q/a 1234567",
        "delquota -N /q/a",
        "create /q/a/c",
        "listquota /q/a",
        "delquota /q/a",
        "delquota /q/a",
        "listquota /q/a",
        "ls -R /zookeeper",
        "setquota -N 9 /q",
        "listquota /q",
        "setquota -q 1 /q",
        "setquota -n x /q",
    ];
    let said = shell(&folder, "shell a.json", &lines);
    insta::assert_snapshot!("shell_quotas", answers(&said) + &said.err);
}

/// The client finds another server and gives the answer, and the story tells how that came.
#[test]
fn the_world_goes_on_while_an_answer_is_awaited() {
    let said = shell(
        &Folder::new("shell_world"),
        "shell",
        &["create /a x", "crash leader", "status", "set /a y", "run 2s", "restart all", "run 2s", "status"],
    );
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    for told in ["leads epoch 1", "crash s3", "s3    down", "KeeperErrorCode = ConnectionLoss for /a", "leads epoch 2", "s3    FOLLOWING under s2"] {
        assert!(said.out.contains(told), "{told}: {}", said.out);
    }
    assert_eq!(
        said.out,
        shell(
            &Folder::new("shell_again"),
            "shell",
            &["create /a x", "crash leader", "status", "set /a y", "run 2s", "restart all", "run 2s", "status"]
        )
        .out
    );
}

#[test]
fn mistakes_point_at_the_word_and_the_rest_is_done() {
    let lines = [
        "craete /a",
        "get",
        "get -x /a",
        "run",
        "run soon",
        "client s1",
        "c1",
        "c7 ls /",
        "ls -R a",
        "status now",
        "redo x",
        "multi create /z ; get /z",
        "crash nobody",
        "create /a x",
    ];
    let said = shell(&Folder::new("shell_mistakes"), "shell", &lines);
    assert_eq!(said.code, 2);
    assert!(answers(&said).ends_with("Created /a\n"), "{}", said.out);
    insta::assert_snapshot!("shell_mistakes", answers(&said) + &said.err);
}

/// The scenario's own steps happen, and its checks watch.
#[test]
fn a_scenario_goes_on_by_itself_until_a_check_ends_it() {
    let folder = Folder::new("shell_scenario");
    folder.write("a.json", &broken("pass"));
    let said = shell(&folder, "shell a.json", &["run 3s", "status", "create /a x"]);
    assert_eq!(said.code, 0);
    assert!(said.out.contains("the run ends here: violation epoch_promise"), "{}", said.out);
    assert!(said.out.contains("the run is over, and nobody answers"), "{}", said.out);
}
