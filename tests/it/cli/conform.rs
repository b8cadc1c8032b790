//! `zoolab conform`.

use super::Folder;

/// What a real ensemble answers to it.
const GOOD: &str = r#"{"format":"zk-transcript/1","kind":"hand","name":"plain","rule":"a node is made, read and deleted","server":"3.8.0"}
{"i":1,"s":"s1","req":{"op":"open","timeout":30000},"res":{"rc":0},"z":1}
{"i":2,"s":"s1","req":{"op":"create","path":"/o","data":"","mode":"persistent"},"res":{"rc":0,"path":"/o"},"z":2}
{"i":3,"s":"s2","req":{"op":"open","timeout":30000},"res":{"rc":0},"z":3}
{"i":4,"s":"s2","req":{"op":"set","path":"/o","data":{"hex":"00ff"},"version":1},"res":{"rc":-103,"err":"BadVersion"},"z":4}
{"i":5,"s":"s2","req":{"op":"set","path":"/o","data":{"hex":"00ff"},"version":0},"res":{"rc":0,"stat":{"cz":2,"mz":5,"pz":2,"v":1,"cv":0,"av":0,"eo":null,"dl":2,"nc":0}},"z":5}
{"i":6,"s":"s1","req":{"op":"get","path":"/o"},"res":{"rc":0,"data":{"hex":"00ff"},"stat":{"cz":2,"mz":5,"pz":2,"v":1,"cv":0,"av":0,"eo":null,"dl":2,"nc":0}},"z":5}
{"i":7,"s":"s1","req":{"op":"delete","path":"/o","version":-1},"res":{"rc":0},"z":6}
"#;

/// The same with two values that are not so, both in line 7.
fn wrong() -> String {
    let lines: Vec<&str> = GOOD.lines().collect();
    GOOD.replace(
        lines[6],
        &lines[6].replace("\"v\":1", "\"v\":2").replace(",\"z\":5", ",\"z\":5,\"ev\":[{\"s\":\"s2\",\"t\":\"NodeDeleted\",\"p\":\"/o\"}]"),
    )
}

#[test]
fn same_and_different_are_told_and_end_the_program_differently() {
    let folder = Folder::new("conform_text");
    folder.write("some/good.jsonl", GOOD);
    folder.write("some/deep/wrong.jsonl", &wrong());
    let good = folder.zoolab("conform some/good.jsonl");
    assert_eq!((good.code, good.out.as_str(), good.err.as_str()), (0, "same some/good.jsonl\n\n1 transcript: 1 same\n", ""));
    let both = folder.zoolab("conform some --version 3.8");
    assert_eq!(both.code, 1);
    insta::assert_snapshot!("conform_different", both.out);
}

#[test]
fn programs_get_an_object_for_each_replay() {
    let folder = Folder::new("conform_json");
    folder.write("good.jsonl", GOOD);
    folder.write("wrong.jsonl", &wrong());
    let said = folder.zoolab("conform good.jsonl wrong.jsonl --json");
    assert_eq!(said.code, 1);
    insta::assert_snapshot!("conform_json", said.out);
    let shaken = folder.zoolab("conform good.jsonl wrong.jsonl --json --shake 3..=5");
    let results: Vec<(String, i64, Option<i64>)> = shaken
        .out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|one| (one["result"].as_str().expect("a result").into(), one["seed"].as_i64().expect("a seed"), one["line"].as_i64()))
        .collect();
    let expected =
        [("same", None), ("diff", Some(7))].into_iter().flat_map(|(result, line)| (3..=5).map(move |seed| (result.to_string(), seed, line)));
    assert_eq!(results, expected.collect::<Vec<_>>(), "faults neither cause nor hide a difference");
}

#[test]
fn faults_are_the_same_every_time() {
    let folder = Folder::new("conform_shake");
    folder.write("wrong.jsonl", &wrong());
    let once = folder.zoolab("conform wrong.jsonl --shake 1..=3 --jobs 1");
    assert_eq!(once.code, 1);
    assert!(
        once.out.contains("DIFF wrong.jsonl: line 7, request 6, seed 1\n")
            && once.out.contains("and with 2 other seeds\n\n3 replays: 0 same, 3 different\n"),
        "{}",
        once.out
    );
    assert_eq!(folder.zoolab("conform wrong.jsonl --shake 1..=3 --jobs 4").out, once.out);
}

#[test]
fn what_is_no_transcript_is_told_with_its_place_and_nothing_is_replayed() {
    let folder = Folder::new("conform_bad");
    folder.write("good.jsonl", GOOD);
    folder.write("typo.jsonl", &GOOD.replace("\"op\":\"get\"", "\"op\":\"gte\""));
    folder.write("trace.jsonl", "{\"n\":1}\n");
    folder.write("empty/nothing.json", "{}");
    for (words, parts) in [
        (
            "conform good.jsonl typo.jsonl trace.jsonl",
            &["typo.jsonl, line 7: req.op: `gte` is no request", "did you mean `get`?", "trace.jsonl, line 1: this is no transcript"][..],
        ),
        ("conform empty", &["the folder empty holds no transcript (*.jsonl)"]),
        ("conform god.jsonl", &["cannot read god.jsonl", "did you mean good.jsonl?"]),
        ("conform good.jsonl --version 3.7", &["3.8, 3.9"]),
        ("conform good.jsonl --shake 7", &["1..=200"]),
        ("conform", &["<PATH>..."]),
    ] {
        let said = folder.zoolab(words);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{words}");
        for part in parts {
            assert!(said.err.contains(part), "{words}: {part} in {}", said.err);
        }
    }
}
