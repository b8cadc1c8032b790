//! `zoolab help`, `zoolab schema`, `zoolab completions`.

use super::Folder;

#[test]
fn topics_and_verbs_have_help() {
    let folder = Folder::new("help_topics");
    let topics = [
        ("help steps", "partition s1 s2 | s3 s4 s5"),
        ("help when", "vote_changed             round sender from to because"),
        ("help bugs", "ZK-1419"),
        ("help checks", "broken by ZK-1419"),
        ("help recipes", "lock acquire PATH [within TIME]"),
        ("help run", "Usage: zoolab run [OPTIONS] [PATH]..."),
        ("help", "zoolab help steps"),
        ("run --help", "Exit codes:"),
        ("--version", "zoolab "),
        ("completions bash", "_zoolab()"),
    ];
    for (words, part) in topics {
        let said = folder.zoolab(words);
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{words}");
        assert!(said.out.contains(part), "{words}: {}", said.out);
    }
    assert_eq!(folder.zoolab("help trace").out.trim(), folder.zoolab("trace --help").out.trim());
}

#[test]
fn topics_fit_a_narrow_terminal() {
    let folder = Folder::new("help_narrow");
    for topic in ["steps", "recipes", "when", "bugs", "checks", "budget"] {
        let text = folder.zoolab(&format!("help {topic}")).out;
        let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{topic}: {wide:?}");
        assert!(!text.contains("\n\n\n") && text.lines().all(|line| line.trim_end() == line), "{topic}");
    }
}

#[test]
fn an_unknown_topic_is_told_with_the_nearest_one() {
    let said = Folder::new("help_unknown").zoolab("help stpes");
    assert!(said.code == 2 && said.err.contains("did you mean `steps`?"), "{}", said.err);
}

#[test]
fn the_schema_is_json() {
    let said = Folder::new("schema").zoolab("schema");
    let schema: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert!(schema["properties"]["steps"].is_object());
}
