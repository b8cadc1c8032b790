//! `zoolab check`.

use std::fs;
use std::path::Path;

use super::Folder;

/// A write and two reads, the second of which sees the value before the write that the first saw.
const STALE: &str = r#"{"id":0,"p":0,"f":"write","in":1,"out":{"done":true},"call":0,"ret":1}
{"id":1,"p":0,"f":"write","in":2,"out":{"done":true},"call":2,"ret":9}
{"id":2,"p":1,"f":"read","in":null,"out":{"value":2},"call":3,"ret":4}
{"id":3,"p":2,"f":"cas","in":[7,8],"out":null,"call":5,"ret":null}
{"id":4,"p":1,"f":"read","in":null,"out":{"value":1},"call":6,"ret":7}
"#;

/// The same without the second read.
fn good() -> String {
    STALE.lines().take(4).map(|line| format!("{line}\n")).collect()
}

const MAP: &str = r#"{"id":0,"p":0,"f":"append","in":{"key":"b","value":"x"},"out":{"done":true},"call":0,"ret":4}
{"id":1,"p":1,"f":"put","in":{"key":"a","value":"y"},"out":{"done":true},"call":1,"ret":2}
{"id":2,"p":1,"f":"get","in":{"key":"a"},"out":{"value":""},"call":3,"ret":5}
"#;

#[test]
fn verdicts_are_told_with_their_reasons_and_end_the_program_differently() {
    let folder = Folder::new("check_text");
    folder.write("good.jsonl", &good());
    folder.write("bad/stale.jsonl", STALE);
    folder.write("bad/deep/map.jsonl", MAP);
    let good = folder.zoolab("check good.jsonl");
    assert_eq!((good.code, good.err.as_str()), (0, ""));
    assert!(good.out.starts_with("ok       good.jsonl  4 operations, ") && good.out.ends_with("\n\n1 history: 1 ok\n"), "{}", good.out);
    let all = folder.zoolab("check good.jsonl bad --witness");
    assert_eq!(all.code, 1);
    insta::assert_snapshot!("check_text", all.out);
    assert_eq!(folder.zoolab("check good.jsonl bad --witness --jobs 4").out, all.out);
}

#[test]
fn programs_get_an_object_for_each_history() {
    let folder = Folder::new("check_json");
    folder.write("good.jsonl", &good());
    folder.write("stale.jsonl", STALE);
    let said = folder.zoolab("check --json --witness good.jsonl stale.jsonl");
    assert_eq!(said.code, 1);
    insta::assert_snapshot!("check_json", said.out);
}

#[test]
fn a_budget_that_does_not_do_leaves_the_question_open() {
    let folder = Folder::new("check_budget");
    folder.write("stale.jsonl", STALE);
    let said = folder.zoolab("check --budget 1 stale.jsonl");
    assert_eq!(said.code, 3);
    insta::assert_snapshot!("check_budget", said.out);
    let json = folder.zoolab("check --budget 1 --json stale.jsonl").out;
    assert!(json.contains(r#""verdict":"unknown""#) && json.contains(r#""exhausted":"budget""#), "{json}");
}

/// One that xz packed reads like any other; damaged, it is refused.
#[test]
fn packed_histories_are_unpacked() {
    let folder = Folder::new("check_packed");
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/histories/gen_kv-22.jsonl.xz");
    let bytes = fs::read(packed).unwrap();
    fs::write(folder.path().join("a.jsonl.xz"), &bytes).unwrap();
    let said = folder.zoolab("check .");
    assert!(said.code == 0 && said.out.starts_with("ok       ./a.jsonl.xz  3000 operations"), "{}{}", said.out, said.err);
    fs::write(folder.path().join("a.jsonl.xz"), &bytes[..bytes.len() / 2]).unwrap();
    let said = folder.zoolab("check a.jsonl.xz");
    assert!(said.code == 2 && said.err.contains("a.jsonl.xz: damaged, xz cannot unpack it"), "{}", said.err);
}

#[test]
fn what_is_no_history_is_told_with_its_place() {
    let folder = Folder::new("check_bad");
    let line = |number: usize, from: &str, to: &str| {
        let lines: Vec<String> =
            STALE.lines().enumerate().map(|(at, line)| if at + 1 == number { line.replace(from, to) } else { line.into() }).collect();
        assert_ne!(lines.join("\n") + "\n", STALE, "{from} is not in line {number}");
        lines.join("\n")
    };
    let cases = [
        (String::new(), "line 1: the file holds no operation"),
        (line(2, "{", "["), "line 2: no JSON: "),
        (line(1, "\"in\":1,", ""), "line 1: the field `in` is missing\n  help: needed: id, p, f, in, out, call, ret"),
        (line(3, "\"p\":1", "\"p\":1,\"q\":2"), "line 3: unknown field \"q\"\n  help: allowed: id, p"),
        (line(3, "\"f\":\"read\"", "\"f\":\"get\""), "line 3: unknown operation \"get\"\n  help: allowed: read, write, cas (cas-register)"),
        (
            line(1, "\"write\"", "\"wrote\""),
            "line 1: unknown operation \"wrote\"\n  help: allowed: read, write, cas (cas-register); get, put, append (kv)",
        ),
        (line(4, "[7,8]", "[7]"), "line 4: `in` is [7]\n  help: allowed: [from, to]"),
        (line(1, "{\"done\":true}", "{\"done\":false}"), "line 1: `out` is {\"done\":false}\n  help: allowed: {\"done\":true}"),
        (line(3, "{\"value\":2}", "{\"value\":2.5}"), "line 3: `out.value` is 2.5\n  help: allowed: a whole number"),
        (line(4, "null,\"call\"", "{\"done\":true},\"call\""), "line 4: `out` is {\"done\":true}\n  help: allowed: null where `ret` is null"),
        (line(3, "\"ret\":4", "\"ret\":3"), "line 3: `ret` is 3\n  help: allowed: a place after `call`, 3"),
        (line(3, "\"ret\":4", "\"ret\":5"), "line 4: `call` is 5\n  help: allowed: a place of its own: line 3 has the same"),
        (line(5, "\"call\":6", "\"call\":4"), "line 5: `call` is 4\n  help: allowed: lines in call order"),
        (line(5, "\"id\":4", "\"id\":1"), "line 5: `id` is 1\n  help: allowed: a number of its own: line 2 has the same"),
        (line(5, "\"p\":1", "\"p\":0"), "line 5: `p` is 0\n  help: allowed: one operation at a time: its last one returned at 9"),
        (line(5, "\"p\":1", "\"p\":2"), "line 5: `p` is 2\n  help: allowed: a process whose operation never returns"),
    ];
    for (text, message) in cases {
        folder.write("case.jsonl", &text);
        let said = folder.zoolab("check case.jsonl");
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{text}");
        assert!(said.err.contains(&format!("case.jsonl, {message}")), "{message}\n{}", said.err);
    }
    folder.write("map.jsonl", MAP);
    let said = folder.zoolab("check --model cas-register map.jsonl");
    assert!(said.code == 2 && said.err.contains("line 1: unknown operation \"append\""), "{}", said.err);
    let said = folder.zoolab("check --model tree map.jsonl");
    assert!(said.code == 2 && said.err.contains("cas-register, kv"), "{}", said.err);
    folder.write("empty/a.json", "{}");
    let said = folder.zoolab("check empty");
    assert!(said.code == 2 && said.err.contains("holds no history (*.jsonl, *.jsonl.xz)"), "{}", said.err);
}

/// A run of ours: by its zxids, and as its clients saw it.
#[test]
fn stored_traces_are_judged_in_two_ways() {
    let folder = Folder::new("check_traces");
    let scenario = r#"{ "title": "a writer", "ensemble": { "servers": 3 }, "clients": { "c1": { "connect": "s1" } }, "bugs": [BUGS],
        "steps": [ { "when": "c1 connected", "do": "c1 create /a x" }, { "after": "reply", "do": "c1 create /a/b y" },
                   { "after": "reply", "do": "c1 delete /a", "optional": true } ],
        "run": "3s", "expect": { "verdict": ["pass", "tree_shape"] } }"#;
    folder.write("good.json", &scenario.replace("BUGS", ""));
    folder.write("bad.json", &scenario.replace("BUGS", "\"mutant-deletes-parents\""));
    for name in ["good", "bad"] {
        assert_eq!(folder.zoolab(&format!("trace {name}.json --format jsonl -o {name}.jsonl")).code, 0);
    }
    let good = folder.zoolab("check good.jsonl");
    assert!(good.code == 0 && good.out.starts_with("ok       good.jsonl") && good.out.contains("and so say their zxids"), "{}", good.out);
    let bad = folder.zoolab("check bad.jsonl good.jsonl --junit out.xml");
    assert_eq!(bad.code, 1);
    for part in
        ["ILLEGAL  bad.jsonl", "violation tree_shape", "and its clients could tell", "would be answered NotEmpty", "2 histories: 1 ok, 1 illegal"]
    {
        assert!(bad.out.contains(part), "{part}\n{}", bad.out);
    }
    let xml = folder.read("out.xml");
    assert!(xml.contains(r#"tests="2" skipped="0" failures="1""#) && xml.contains(r#"type="tree_shape""#), "{xml}");
    let row: serde_json::Value = serde_json::from_str(&folder.zoolab("check bad.jsonl --json").out).expect("an object");
    assert_eq!((row["model"].as_str(), row["verdict"].as_str(), row["known_order"].as_str()), (Some("znode"), Some("illegal"), Some("tree_shape")));
    assert_eq!(folder.zoolab("check good.jsonl --model kv").code, 2);
}
