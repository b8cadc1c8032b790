//! `zoolab trace`, `zoolab replay` and `zoolab new`.

use super::{Folder, GOOD};

#[test]
fn a_trace_tells_the_story_or_what_is_asked_for() {
    let folder = Folder::new("trace_text");
    folder.write("good.json", GOOD);
    let story = folder.zoolab("trace good.json");
    assert_eq!((story.code, story.err.as_str()), (0, ""));
    assert!(story.out.contains("crash s") && !story.out.contains("NOTIFICATION"), "{}", story.out);
    assert!(folder.zoolab("trace good.json --all").out.lines().count() > 5 * story.out.lines().count());

    let votes = folder.zoolab("trace good.json --kind vote_changed --node s1 --time ..1s").out;
    assert!(!votes.is_empty() && votes.lines().all(|line| line.contains("s1    changes its vote")), "{votes}");
    let packets = folder.zoolab("trace good.json --kind NOTIFICATION").out;
    assert!(!packets.is_empty() && packets.lines().all(|line| line.contains("NOTIFICATION")), "{packets}");
    assert_ne!(folder.zoolab("trace good.json --seed 8").out, story.out);
}

#[test]
fn what_is_stored_is_replayed() {
    let folder = Folder::new("trace_replay");
    folder.write("good.json", GOOD);
    for filter in ["", "--node s1 --node s2", "--kind LEADERINFO --time 0s..2s"] {
        let stored = folder.zoolab(&format!("trace good.json --seed 3 --no-bugs --format jsonl {filter} -o t.jsonl"));
        assert_eq!((stored.code, stored.out.as_str()), (0, ""), "{filter}: {}", stored.err);
        let events = folder.read("t.jsonl").lines().count() - 1;
        let replayed = folder.zoolab("replay t.jsonl");
        assert_eq!((replayed.code, replayed.out), (0, format!("same  t.jsonl: {events} events\n")), "{filter}");
    }
    assert_eq!(folder.names(), ["good.json", "t.jsonl"], "nothing half-written is left");

    folder.zoolab("trace good.json --format jsonl -o t.jsonl");
    assert_eq!(folder.zoolab("trace t.jsonl").out, folder.zoolab("trace good.json").out, "a stored trace tells the same story");
    assert_eq!(folder.zoolab("trace t.jsonl --seed 4").code, 2);
}

#[test]
fn a_trace_that_does_not_come_true_is_told_from_one_of_another_version() {
    let folder = Folder::new("trace_tampered");
    folder.write("good.json", GOOD);
    let text = folder.zoolab("trace good.json --format jsonl").out;
    let tenth = text.lines().nth(10).expect("an eleventh line");
    folder.write("tampered.jsonl", &sealed(&text.replace(tenth, &tenth.replacen("\"at\":", "\"at\":9", 1))));
    let said = folder.zoolab("replay tampered.jsonl");
    assert_eq!(said.code, 4);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[0], "not deterministic  tampered.jsonl");
    assert!(
        lines[1].starts_with("  before       9 ") && lines[2].starts_with("  stored      10 ") && lines[3].starts_with("  now         10 "),
        "{}",
        said.out
    );

    let short: String = text.lines().take(100).map(|line| format!("{line}\n")).collect();
    folder.write("short.jsonl", &sealed(&short));
    assert!(folder.zoolab("replay short.jsonl").out.contains("stored  has ended"));

    folder.write("other.jsonl", &text.replacen("\"behaviour\":", "\"behaviour\":9", 1));
    let said = folder.zoolab("replay other.jsonl");
    assert_eq!(said.code, 3);
    assert!(said.out.starts_with("made by another version  other.jsonl"), "{}", said.out);

    folder.write("cut.jsonl", &text[..text.len() - 10]);
    folder.write("cut_between_lines.jsonl", &short);
    folder.write("unknown.jsonl", &text.replacen("\"overrides\":[]", "\"overrides\":[\"--magic\"]", 1));
    for (file, message) in [
        ("good.json", "is a scenario, not a stored trace"),
        ("cut.jsonl", "was cut off or changed"),
        ("cut_between_lines.jsonl", "was cut off or changed"),
        ("unknown.jsonl", "`--magic`"),
        ("gone.jsonl", "cannot read"),
    ] {
        let said = folder.zoolab(&format!("replay {file}"));
        assert!(said.code == 2 && said.err.contains(message), "{file}: {}", said.err);
    }
}

/// An edited trace under a seal that fits: what another program with the same behaviour might have stored.
fn sealed(text: &str) -> String {
    let (first, lines) = text.split_once('\n').expect("a header and lines");
    let (before, after) = first.split_once("\"seal\":\"").expect("a seal");
    format!("{before}\"seal\":\"{}{}\n{lines}", zoolab::trace::seal(lines), &after[16..])
}

#[test]
fn one_kind_of_file_is_not_taken_for_another_nor_lost() {
    let folder = Folder::new("trace_files");
    folder.write("good.json", GOOD);
    folder.zoolab("trace good.json --format jsonl -o t.jsonl");
    let said = folder.zoolab("run t.jsonl");
    assert!(said.code == 2 && said.err.contains("t.jsonl is a stored trace, not a scenario"), "{}", said.err);
    let said = folder.zoolab("trace good.json -o ./good.json");
    assert!(said.code == 2 && said.err.contains("would be written over"), "{}", said.err);
    assert_eq!(folder.read("good.json"), GOOD);
}

#[test]
fn filters_that_cannot_be_understood_are_refused() {
    let folder = Folder::new("trace_filters");
    folder.write("good.json", GOOD);
    let mistakes = [
        ("--kind vote_chnged", "did you mean `vote_changed`?"),
        ("--node x", "is not a node"),
        ("--node s4", "it has s1, s2, s3"),
        ("--time 2s..1s", "is not a range of times"),
        ("--time -1s..2s", "`-1s` is not a time"),
        ("--seed -1", "a seed is a whole number"),
    ];
    for (filter, message) in mistakes {
        let said = folder.zoolab(&format!("trace good.json {filter} -o t.txt"));
        assert!(said.code == 2 && said.err.contains(message), "{filter}: {}", said.err);
    }
    assert_eq!(folder.names(), ["good.json"]);
}

#[test]
fn a_new_scenario_passes_and_overwrites_nothing() {
    let folder = Folder::new("new");
    let said = folder.zoolab("new mine");
    assert_eq!((said.code, said.out.as_str()), (0, "wrote mine.json\ntry   zoolab run --trace mine.json\n"));
    assert_eq!(folder.zoolab("run mine.json").code, 0);
    assert_eq!(folder.zoolab("run mine.json --seeds 1..=20 --no-bugs").code, 0);

    folder.write("mine.json", "my own words");
    let again = folder.zoolab("new mine.json");
    assert!(again.code == 2 && again.err.contains("is there already"), "{}", again.err);
    assert_eq!(folder.read("mine.json"), "my own words");
    for (name, message) in
        [("a:b", "for example a_b"), ("a/", "is no name"), ("..", "is no name"), ("gone/x", "make its folder first"), ("-x", "'-x'")]
    {
        let said = folder.zoolab(&format!("new {name}"));
        assert!(said.code == 2 && said.err.contains(message), "{name}: {}", said.err);
    }
    assert_eq!(folder.names(), ["mine.json"]);
}
