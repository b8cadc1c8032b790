//! What the terminal asks of the shell. Its answers are held in `tests/it/cli/shell.rs`.

use super::*;

fn shell() -> Shell {
    let text = r#"{ "title": "two", "ensemble": { "servers": 3 }, "clients": { "c1": {}, "c2": {} }, "run": "1s", "expect": {} }"#;
    Shell::open(&Scenario::read(text.as_bytes()).expect("a scenario"), None).0
}

fn types(shell: &mut Shell, line: &str) -> String {
    let Reply::Done(said) = shell.execute(line) else { panic!("{line}") };
    let answer = |said: Said| if let Said::Answer(answer) = said { Some(answer) } else { None };
    said.into_iter().filter_map(answer).collect()
}

#[test]
fn the_tab_key_knows_commands_nodes_and_paths() {
    let mut shell = shell();
    for path in ["/alpha", "/alps", "/alpha/kid"] {
        assert_eq!(types(&mut shell, &format!("create {path}")), format!("Created {path}\n"));
    }
    for (line, words) in [
        ("cr", &["crash", "create"][..]),
        ("delete", &["delete", "deleteall"]),
        ("c2 del", &["delete", "deleteall", "delquota"]),
        ("c2 cras", &[]),
        ("get /al", &["/alpha", "/alps"]),
        ("multi delete /alps ; delete /alpha/", &["/alpha/kid"]),
        ("crash ", &["c1", "c2", "follower", "leader", "looking", "observer", "s1", "s2", "s3"]),
        ("crash lea", &["leader"]),
        ("get /nobody/", &[]),
        ("ls zz", &[]),
    ] {
        assert_eq!(shell.completions(line), words, "{line}");
    }
}

#[test]
fn the_prompt_tells_whose_keyboard_it_is_and_how_its_session_stands() {
    let mut shell = shell();
    let server = shell.server().expect("it is connected");
    assert_eq!(shell.prompt(), format!("[zk: {server}(CONNECTED) 0] "));
    types(&mut shell, "close");
    assert_eq!(shell.prompt(), "[zk: (CLOSED) 1] ");
    assert_eq!(types(&mut shell, "ls /"), "Not connected\n");
    types(&mut shell, "client c2");
    let server = shell.server().expect("it is connected");
    assert_eq!(shell.prompt(), format!("[zk: c2 {server}(CONNECTED) 3] "));
    types(&mut shell, "partition c2 | s1 s2 s3");
    let told = types(&mut shell, "run 30s");
    assert!(told.contains("state:Disconnected") && !told.contains("state:Closed"), "{told}");
    assert_eq!(shell.prompt(), "[zk: c2 (CONNECTING) 5] ");
}
