//! Every known bug breaks what its row says, in a scenario that is fine without it.

use std::sync::Arc;

use zoolab::bugs::{self, Bug};
use zoolab::check::{self, Reproduction, Verdict};
use zoolab::scenario::{Report, Run, RunOptions, Scenario};

use crate::stories;

/// Other seeds than the scenario's own that are tried; without the bug half as many, since the correct build is run with far more elsewhere.
const SEEDS: u64 = 10;

/// For each check, in the order of the catalogue, a story in which it is the first to fire.
#[rustfmt::skip]
const SEEN_FIRST: &[(&str, &str)] = &[
    ("no_vote_circle", "bug_zk1419"),
    ("best_known_vote", "bug_zk275"),
    ("leader_has_quorum", "bug_zk975"),
    ("epoch_promise", "mutant_epoch_forgotten"),
    ("voters_only", "bug_zk764"),
    ("new_leader_durable", "bug_zk3911"),
    ("configuration_agreed", "mutant_one_quorum"),
    ("leadership", "bug_zk1192"),
    ("integrity", "mutant_inform_restamped"),
    ("total_order", "bug_zk1154"),
    ("local_primary_order", "mutant_commits_newest_first"),
    ("global_primary_order", "mutant_commits_outlive_role"),
    ("primary_integrity", "mutant_serves_early"),
    ("initial_history_integrity", "bug_zk4643"),
    ("commit_consistency", "mutant_applies_early"),
    ("history_consistency", "bug_zk2832"),
    ("prefix_consistency", "mutant_commits_alone_in_the_past"),
    ("committed_log_monotonicity", "mutant_commits_alone_meanwhile"),
    ("committed_log_durability", "bug_truncated_acks"),
    ("state_consistent", "bug_zk3023"),
    ("ack_consistent", "bug_zk4685"),
    ("proposal_consistent", "bug_zk4925"),
    ("commit_consistent", "bug_zk4394"),
    ("message_legal", "mutant_proposes_to_observers"),
    ("disk_recovers", "bug_zk1653"),
    ("reported_zxid_durable", "bug_zk2845"),
    ("no_holes", "bug_zk3104"),
    ("replica_convergence", "bug_zk1367"),
    ("ack_durable", "mutant_acks_early"),
    ("fuzzy_snapshot", "bug_zk1090"),
    ("purge_keeps_enough", "bug_zk3231"),
    ("reply_durable", "mutant_commits_alone"),
    ("linearizable_writes", "mutant_answers_with_older_zxid"),
    ("future_read", "mutant_answers_one_zxid_early_to_readers"),
    ("session_order", "mutant_reads_tell_first_zxid"),
    ("one_reply_each", "mutant_read_overtakes"),
    ("sync_stale", "mutant_answers_sync_itself"),
    ("lost_write", "mutant_answers_one_zxid_early"),
    ("phantom", "mutant_closes_in_its_clients_name"),
    ("doubled", "mutant_forwards_twice"),
    ("read_takes_no_zxid", "mutant_sync_takes_zxid"),
    ("session_owner", "mutant_any_password"),
    ("dead_session", "mutant_keeps_the_dead_connected"),
    ("tree_shape", "mutant_deletes_parents"),
    ("wrong_result", "mutant_creates_again"),
    ("version_guards", "mutant_ignores_versions"),
    ("versions_rise", "mutant_version_stands"),
    ("sequential_names", "mutant_numbers_children_left"),
    ("all_or_nothing", "mutant_multi_goes_on"),
    ("ephemeral", "mutant_end_leaves_one_out"),
    ("bad_read", "mutant_tells_time_of_creation"),
    ("watch_order", "mutant_event_after_reply"),
    ("watch_phantom", "mutant_watch_stays"),
    ("watch_renewal", "mutant_renews_watches_blindly"),
    ("watch_lost", "mutant_no_watch_on_missing_node"),
    ("ephemeral_index", "mutant_owns_without_index"),
    ("apply_is_pure", "mutant_stamps_by_own_clock"),
    ("watch_table", "mutant_watches_outlive_connection"),
    ("single_system_image", "mutant_takes_any_client"),
    ("ended_session", "bug_zk1208"),
    ("expiry_closes", "bug_zk450"),
    ("one_holder", "recipe_deletes_foreign_lock"),
    ("rightful_holder", "recipe_believes_past_expiry"),
    ("fair_grants", "recipe_name_order"),
    ("fenced", "recipe_unfenced"),
    ("readers_and_writer", "recipe_reader_overtakes"),
    ("revocation_heeded", "recipe_revoke_overlooked"),
    ("lease_limit", "recipe_lease_without_mutex"),
    ("no_herd", "recipe_herd"),
    ("waiter_proceeds", "recipe_lost_wakeup"),
    ("exactly_once", "recipe_no_claim"),
    ("queue_order", "recipe_priority_width"),
    ("barrier_holds", "recipe_stale_ready"),
    ("one_decision", "recipe_votes_twice"),
    ("every_increment_counts", "recipe_double_count"),
    ("unique_ids", "recipe_reused_ids"),
    ("observer_keeps_up", "recipe_late_watch"),
    ("leader_steps_down", "bug_zk2247"),
    ("sync_is_cheap", "bug_zk1465"),
    ("calls_end", "mutant_answers_no_sync"),
    ("leader_elected", "mutant_no_rebroadcast"),
];

/// Rules of the project's list that have no check of their own, with those that find what breaks them, and why that is enough.
#[rustfmt::skip]
const FOUND_BY_OTHERS: &[(&str, &str, &[&str], &str)] = &[
    ("Z-3", "of two transactions that two servers deliver, one of them delivers both", &["prefix_consistency"], "it follows from Z-11"),
    ("S-6", "sessions are the same on all servers at the same zxid", &["replica_convergence"], "they are part of the digest that is compared"),
    ("W-1", "a watch of a read fires once, a persistent one for each change", &["watch_phantom", "watch_lost"], "an ideal manager of watches says what is due, event by event: one more is a phantom, one less is lost"),
    ("W-4", "events of a session come in the order of their changes", &["watch_order"], "an event is told while an older one is due"),
    ("W-7", "a recursive watch hears nothing of lists of children", &["watch_phantom"], "nobody waits for such an event"),
    ("L-2", "all servers come to the same zxid and the same database", &["leader_elected", "replica_convergence", "apply_is_pure"], "the last write must be applied by everybody who serves, and databases are compared"),
    ("L-5", "elections come to an end", &["leader_elected"], "without end nobody is settled in time; how many there were is in the numbers"),
];

/// A scenario of `scenarios/` that switches bugs on.
struct Demonstration {
    name: String,
    scenario: Arc<Scenario>,
}

impl Demonstration {
    fn shows(&self, bug: Bug) -> bool {
        self.scenario.bugs.iter().eq([bug])
    }

    fn run(&self, seed: Option<u64>, no_bugs: bool) -> Report {
        Run::new(self.scenario.clone(), RunOptions { seed, no_bugs, ..RunOptions::default() }).finish().0
    }
}

fn demonstrations() -> Vec<Demonstration> {
    let all = stories::names().into_iter().map(|name| Demonstration { scenario: stories::read(&name), name });
    all.filter(|demonstration| !demonstration.scenario.bugs.is_empty()).collect()
}

/// With the switch the run breaks an invariant of the bug's row, as its file expects; without it the same run passes, step by step.
#[test]
fn every_switch_is_shown_by_a_scenario() {
    let all = demonstrations();
    for info in bugs::CATALOGUE {
        let shown: Vec<_> = all.iter().filter(|demonstration| demonstration.shows(info.bug)).collect();
        assert!(!shown.is_empty(), "no scenario has `bugs`: [{:?}]", info.name);
        for demonstration in shown {
            let (name, with) = (&demonstration.name, demonstration.run(None, false));
            assert!(with.is_as_expected(), "{name}: {:?}", with.missed);
            assert!(info.breaks.contains(&with.verdict.name()), "{name}: {}", with.verdict);
            let without = demonstration.run(None, true);
            assert!(without.is_as_expected(), "{name} without its bug: {}", without.verdict);
            assert_eq!(without.steps_fired, without.steps_total, "{name} without its bug");
        }
    }
}

/// The story does not hang on one seed: a check fires on most others too, and never without the bug.
#[test]
fn other_seeds_show_it_too() {
    for demonstration in demonstrations() {
        let name = &demonstration.name;
        let broken = (1..=SEEDS).filter(|seed| demonstration.run(Some(*seed), false).verdict.name() != "pass").count();
        assert!(broken as u64 * 10 >= SEEDS * 8, "{name}: only {broken} of {SEEDS} seeds");
        let without: Vec<Report> = (1..=SEEDS / 2).map(|seed| demonstration.run(Some(seed), true)).collect();
        for report in &without {
            assert_eq!(report.verdict.name(), "pass", "{name} with seed {}: {}", report.seed, report.verdict);
        }
        let whole = without.iter().filter(|report| report.steps_fired == report.steps_total).count();
        assert_eq!(whole, without.len(), "{name}: not all steps fire with every seed");
    }
}

/// A check that nothing makes fire, from a scenario file to its verdict, may as well not be there.
#[test]
fn every_check_fires() {
    let checks: Vec<&str> = check::CATALOGUE.iter().map(|info| info.name).collect();
    assert_eq!(SEEN_FIRST.iter().map(|(invariant, _)| *invariant).collect::<Vec<_>>(), checks);
    for (invariant, name) in SEEN_FIRST {
        let report = Run::new(stories::read(name), RunOptions::default()).finish().0;
        assert_eq!(report.verdict.name(), *invariant, "{name}");
    }
}

/// Whoever reads a report has all of it on one screen: rule, facts, requests, story, and what to type next.
#[test]
fn reports_fit_a_screen_and_lack_nothing() {
    for demonstration in demonstrations() {
        let name = &demonstration.name;
        let (report, events) = Run::new(demonstration.scenario.clone(), RunOptions { keep_events: true, ..RunOptions::default() }).finish();
        let Verdict::Violation(violation) = &report.verdict else { continue };
        let file = format!("scenarios/{name}.json");
        let text = check::report(violation, &events, &Reproduction { file: &file, seed: report.seed, no_bugs: false });
        assert!(text.lines().count() <= 40, "{name}:\n{text}");
        let is_command = |line: &&str| line.starts_with("  again ") || line.starts_with("  more ");
        let (commands, told): (Vec<&str>, Vec<&str>) = text.lines().partition(is_command);
        assert!(told.iter().all(|line| line.chars().count() <= 91), "{name}:\n{text}");
        assert!(commands[0].contains("zoolab run") && commands[1].contains("zoolab trace") && commands.len() == 2, "{name}:\n{text}");
        let mut parts = vec!["  rule ", "          (", "  first ", "  but ", "  because"];
        if !violation.involved.is_empty() {
            parts.extend(["  requests", "who  session", "asked", "answered", "by ", "zxid"]);
        }
        for part in parts {
            assert!(told.iter().any(|line| line.contains(part)), "{name} has no `{part}`:\n{text}");
        }
        let info = violation.invariant.info();
        // What clients asked for and were told is told with its requests.
        let of_requests = ["linearizable_writes", "future_read", "session_order", "sync_stale", "lost_write", "wrong_result", "version_guards"];
        let of_requests =
            of_requests.contains(&info.name) || ["bad_read", "versions_rise", "sequential_names", "all_or_nothing"].contains(&info.name);
        assert!(!of_requests || !violation.involved.is_empty(), "{name}:\n{text}");
        let story = told.iter().skip_while(|line| !line.starts_with("  because")).count();
        assert!(story >= 2, "{name}: a story of {story} lines\n{text}");
    }
}

/// Each check with what it finds: the documentation is what is true.
#[test]
fn the_table_of_checks_is_as_documented() {
    let mut table = String::from("# The checks, and what each of them finds\n\n");
    table += "Written by `INSTA_UPDATE=always cargo test --test it bugs`. The rules and their sources: `zoolab help checks`;\n";
    table += "the switches: `zoolab help bugs`. The scenario is one in which the check is the first to find something.\n\n";
    table += "| code | check | switches that break it | scenario |\n| --- | --- | --- | --- |\n";
    for (info, (_, scenario)) in check::CATALOGUE.iter().zip(SEEN_FIRST) {
        let bugs: Vec<&str> = info.invariant.broken_by().map(|bug| bug.name).collect();
        table += &format!("| {} | `{}` | {} | [{scenario}](../../scenarios/{scenario}.json) |\n", info.code, info.name, bugs.join(", "));
    }
    table += "\n## Rules that other checks find the breaking of\n\n| code | rule | found by | why that is enough |\n| --- | --- | --- | --- |\n";
    for (code, rule, names, why) in FOUND_BY_OTHERS {
        assert!(check::Invariant::named(code).is_none(), "{code} has a check of its own");
        let names: Vec<String> =
            names.iter().map(|name| check::Invariant::named(name).expect("a check").info().name).map(|name| format!("`{name}`")).collect();
        table += &format!("| {code} | {rule} | {} | {why} |\n", names.join(", "));
    }
    let path = stories::folder("src/check").join("README.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &table).expect("the table can be written");
    }
    assert_eq!(std::fs::read_to_string(&path).expect("a table"), table, "INSTA_UPDATE=always writes what is true now");
}
