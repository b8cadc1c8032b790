//! Golden traces: the headlines of every scenario, in `traces/` under its name, and all digests in `traces/digests.txt`.
//!
//! `INSTA_UPDATE=always cargo test golden` rewrites both. A changed trace is committed only by someone who can say why each line moved;
//! a digest that moves alone means that something happened differently which no headline tells.

use std::fmt::Write;
use std::fs;

use zoolab::check::Checks;
use zoolab::scenario::{Run, RunOptions, Scenario};
use zoolab::trace::{Event, golden};

use crate::stories::{folder, names, read};

macro_rules! golden {
    ($($name:ident)*) => {
        /// Every scenario has a test of its own, so that `cargo test leader_crash` runs just that one.
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(#[test] fn $name() { check(stringify!($name)) })*
    };
}

// One name per line, sorted.
golden! {
    acl_guards_a_node
    all_restart
    answer_too_large
    backoff_after_partition
    barrier_is_lifted
    barrier_survives_faults
    bit_rot_in_log
    broadcast_happy_path
    bug_3_9_5
    bug_orphaned_child
    bug_premature_configuration
    bug_truncated_acks
    bug_unlisted_member
    bug_unreachable_truncation
    bug_unsynced_image
    bug_unsynced_rename
    bug_unsynced_replay
    bug_unsynced_truncation
    bug_zk1090
    bug_zk1154
    bug_zk1156
    bug_zk1192
    bug_zk1208
    bug_zk1270
    bug_zk1277
    bug_zk1282
    bug_zk1291
    bug_zk1319
    bug_zk1367
    bug_zk1412
    bug_zk1419
    bug_zk1465
    bug_zk1496
    bug_zk1514
    bug_zk1551
    bug_zk1653
    bug_zk1667
    bug_zk1732
    bug_zk1863
    bug_zk2247
    bug_zk2325
    bug_zk2355
    bug_zk275
    bug_zk2832
    bug_zk2845
    bug_zk2872
    bug_zk3023
    bug_zk3104
    bug_zk3109
    bug_zk3127
    bug_zk3144
    bug_zk3145
    bug_zk3231
    bug_zk3249
    bug_zk335
    bug_zk3642
    bug_zk3701
    bug_zk3911
    bug_zk4394
    bug_zk450
    bug_zk4643
    bug_zk4646
    bug_zk4685
    bug_zk4712
    bug_zk4785
    bug_zk480
    bug_zk4837
    bug_zk4882
    bug_zk4925
    bug_zk508
    bug_zk5094
    bug_zk582
    bug_zk764
    bug_zk790
    bug_zk962
    bug_zk975
    client_closes_while_disconnected
    client_gives_its_session_up
    client_of_3_8_never_gives_up
    client_opens_another_session
    client_refused_by_lagging_server
    clock_drift
    clock_skew_is_harmless
    closing_session_takes_its_last_words
    commit_needs_quorum
    commits_in_order
    connection_loss_is_unknown
    container_reaped
    corrupt_newest_snapshot
    counter_answer_lost
    counter_keeps_count
    crash_keeps_page_cache
    cut_back_beyond_its_disk
    dead_leader_is_not_reelected
    deposed_leader_forgets
    diff_interrupted
    discovery_follows_its_instances
    disk_full_follower
    disk_log_diff
    double_barrier_survives_faults
    double_barrier_twice
    drain_discards_notes
    election_passes_on
    ephemerals_vanish
    epoch_file_write_fails
    epoch_promise_survives_restart
    exclusive_survives
    failed_writes_take_zxids
    five_boot
    flapping_link
    follower_crash
    forced_snapshot_sync
    fsync_fails_on_follower
    fsync_fails_on_leader
    fuzzy_snapshot_under_writes
    group_follows_its_members
    half_open_after_power_loss
    higher_epoch_beats_zxid
    higher_zxid_wins
    id_answer_lost
    ids_stay_unique
    knock_and_dial_back
    last_note_resent
    latch_closes_while_it_starts
    latch_outlives_its_session
    latch_regains_with_its_node
    late_joiner
    leader_abandoned
    leader_crash
    leader_crash_after_quorum_newleader
    leader_crash_before_newleader
    leader_loses_quorum
    leader_pause_gc
    lines_survive_lost_answers
    local_session_cannot_move
    local_session_owns_nothing
    local_session_upgrade
    lock_behind_a_lagging_follower
    lock_ends_with_its_session
    lock_in_the_next_session
    lock_is_given_back_when_asked_for
    lock_neighbours_crash
    lock_passes_on
    lock_paused_holder_cannot_be_asked
    lock_paused_holder_is_fenced
    lock_sequence_starts_again
    lock_survives_leader_crash
    log_fails_while_leaving
    longer_log_is_refused
    lost_rename_on_loose_disk
    lower_epoch_refused
    lower_round_better_vote
    multi_fires_watches_part_by_part
    multi_rolls_back
    multi_sees_its_own_changes
    mutant_acks_early
    mutant_answers_no_sync
    mutant_answers_one_zxid_early
    mutant_answers_one_zxid_early_to_readers
    mutant_answers_sync_itself
    mutant_answers_with_older_zxid
    mutant_any_password
    mutant_anybody_owns
    mutant_applies_early
    mutant_child_stays_listed
    mutant_client_stays_away
    mutant_closes_in_its_clients_name
    mutant_commits_alone
    mutant_commits_alone_in_the_past
    mutant_commits_alone_meanwhile
    mutant_commits_newest_first
    mutant_commits_outlive_role
    mutant_creates_again
    mutant_deletes_parents
    mutant_end_leaves_one_out
    mutant_epoch_forgotten
    mutant_event_after_reply
    mutant_forwards_twice
    mutant_ignores_versions
    mutant_inform_restamped
    mutant_keeps_the_dead_connected
    mutant_multi_goes_on
    mutant_no_rebroadcast
    mutant_no_watch_on_missing_node
    mutant_numbers_children_left
    mutant_numbers_sessions_anew
    mutant_one_quorum
    mutant_owns_without_index
    mutant_proposes_to_observers
    mutant_read_overtakes
    mutant_reads_tell_first_zxid
    mutant_renews_watches_blindly
    mutant_serves_early
    mutant_stamps_by_own_clock
    mutant_sync_takes_zxid
    mutant_takes_any_client
    mutant_tells_time_of_creation
    mutant_version_stands
    mutant_watch_stays
    mutant_watches_outlive_connection
    observer_delay
    observer_follows
    observer_serves_reads
    observer_sync
    old_algorithm
    old_algorithm_lost_datagrams
    one_way_cut
    only_the_latest_note
    orphan_session
    pending_changes
    power_loss_keeps_promise
    power_loss_of_all
    power_loss_unsynced
    priority_queue_passes_on
    proposals_while_syncing
    purge_keeps_what_is_needed
    queue_passes_on
    queue_survives_leader_crash
    queue_survives_lost_answer
    queue_survives_pause
    quota_hard_limit
    quota_is_counted_anew
    read_error_at_boot
    read_only_client_finds_a_leader
    read_only_needs_local_sessions
    read_only_server
    recipe_any_event
    recipe_believes_past_expiry
    recipe_counts_ready
    recipe_decides_alone
    recipe_deletes_foreign_lock
    recipe_double_count
    recipe_empty_while_away
    recipe_false_acquire
    recipe_find_unsynced
    recipe_gate_unseen
    recipe_herd
    recipe_late_watch
    recipe_lease_left
    recipe_lease_without_mutex
    recipe_leaves_early
    recipe_lost_update
    recipe_lost_wakeup
    recipe_lost_wakeup_latch
    recipe_lost_wakeup_rwlock
    recipe_lost_wakeup_semaphore
    recipe_name_order
    recipe_no_claim
    recipe_no_guid
    recipe_priority_width
    recipe_put_twice
    recipe_reader_overtakes
    recipe_reader_watches_readers
    recipe_recounts
    recipe_reused_ids
    recipe_revoke_missed
    recipe_revoke_overlooked
    recipe_stale_list
    recipe_stale_member
    recipe_stale_node
    recipe_stale_ready
    recipe_takes_before_delete
    recipe_takes_older_value
    recipe_unchecked_decision
    recipe_unfenced
    recipe_votes_twice
    reconfig_adds_a_server
    reconfig_disabled
    reconfig_is_told
    reconfig_leader_dies_alone
    reconfig_leader_dies_before_commit
    reconfig_needs_a_quorum_that_keeps_up
    reconfig_needs_permission
    reconfig_one_at_a_time
    reconfig_promotes_an_observer
    reconfig_removes_a_follower
    reconfig_removes_the_leader
    reconfig_stuck_without_the_next_list
    reconfig_waits_for_both_quorums
    request_too_large
    reset_connections
    restart_all_servers
    restarted_leader_believes_followers
    restarted_leader_rejoins
    rolling_restart
    rolling_restart_under_writes
    rwlock_readers_share
    rwlock_writer_outlasts_readers
    semaphore_leases_come_back
    semaphore_survives_lost_answers
    semaphore_time_is_over_meanwhile
    sequence_after_delete
    session_answered_by_a_leader_of_the_past
    session_closing_race
    session_expires
    session_is_stolen
    session_lost_reply
    session_moves
    session_moves_old_connection_closes
    session_outlives_leader
    session_pause_past_timeout
    session_survives_leader_change
    session_timeout_negotiation
    session_wrong_password
    settings_reach_everybody
    short_epochs
    short_pause_is_harmless
    silent_peer_blocks_accept
    slow_disk_leader
    slow_follower_dropped
    slow_link_election
    snap_interrupted
    snapshot_rolls_the_log
    split_2_3
    split_no_majority
    staggered_boot
    stale_answer
    stale_read_then_sync
    stale_restart_joins
    supervised_exit
    sync_diff
    sync_queue_fills
    sync_queue_survives_faults
    sync_snap
    sync_trunc
    sync_trunc_then_diff
    three_boot
    tie_even
    torn_tail
    touches_get_lost
    transaction_aborts_in_time
    transaction_commits
    transaction_survives_faults
    trunc_across_epochs_is_snap
    ttl_expires
    two_leaders_for_a_moment
    two_leaders_old_one_cannot_commit
    uncommitted_tail_survives_in_new_leader
    unreadable_snapshot
    untrusted_database_does_not_vote
    versions_guard
    vote_arrives_in_drain
    vote_by_hearsay
    watch_children_tells_of_the_list
    watch_data_tells_of_the_next_change
    watch_deleted_is_told_once
    watch_ends_with_its_session
    watch_event_before_own_reply
    watch_event_overtakes_no_answer
    watch_exists_waits_for_a_node
    watch_forgotten_without_a_server
    watch_is_set_again_on_another_server
    watch_missed_changes_are_told_on_return
    watch_missed_create_and_delete
    watch_modes_add_up
    watch_modes_of_3_8_take_turns
    watch_node_before_its_parent
    watch_not_set_again_by_a_client_that_may_not
    watch_on_a_missing_node_is_none
    watch_persistent_misses_what_it_is_away_for
    watch_persistent_stays
    watch_recreated_node_is_told_as_changed
    watch_recursive_follows_the_tree
    watch_survives_its_leader
    watch_taken_away
    watch_tells_of_an_ephemeral_that_expires
    weight_zero_never_leads
    weighted_groups
    wipe_one_server
    wipe_one_server_under_writes
    writes_through_every_server
    zxid_rollover
}

/// The run is as the file expects, and tells what it told before. The story ends where the recovery begins.
fn check(name: &str) {
    let scenario = read(name);
    let (report, events) = Run::new(scenario.clone(), RunOptions { keep_events: true, ..RunOptions::default() }).finish();
    assert!(report.is_as_expected(), "{name}: {}\n{}", report.verdict, report.missed.join("\n"));
    asking_every_check_comes_to_the_same(&scenario, &events);
    let story = golden(events.iter().filter(|event| event.at < scenario.run));
    insta::with_settings!({ snapshot_path => folder("traces"), prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, story);
    });
}

/// The checks that an event does not concern are not asked about it, and would have found and learnt nothing.
fn asking_every_check_comes_to_the_same(scenario: &Scenario, events: &[Event]) {
    let config = &scenario.ensemble.config;
    let (mut concerned, mut all) = (Checks::new(config), Checks::new(config));
    for event in events {
        assert_eq!(concerned.observe(event), all.observe_by_everybody(event), "{event}");
        assert!(std::iter::from_fn(|| concerned.probe()).eq(std::iter::from_fn(|| all.probe())), "{event}");
    }
    assert!(format!("{concerned:?}") == format!("{all:?}"), "they have learnt different things");
}

#[test]
fn every_scenario_is_listed() {
    assert_eq!(NAMES, names(), "the list above and the files in scenarios/");
}

/// A trace without its scenario would be checked by nobody.
#[test]
fn every_trace_has_its_scenario() {
    for entry in fs::read_dir(folder("traces")).expect("a folder of traces") {
        let file = entry.expect("an entry").file_name().into_string().expect("a plain name");
        let name = file.strip_suffix(".snap");
        assert!(file == "digests.txt" || name.is_some_and(|name| NAMES.contains(&name)), "traces/{file}");
    }
}

/// The digest of every scenario under its own seed, recovery included.
#[test]
fn digests_are_as_recorded() {
    let mut digests = String::new();
    for name in NAMES {
        let (report, _) = Run::new(read(name), RunOptions::default()).finish();
        let _ = writeln!(digests, "{name} {:016x}", report.digest);
    }
    let path = folder("traces").join("digests.txt");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&path, &digests).expect("digests can be written");
    }
    let recorded = fs::read_to_string(&path).expect("recorded digests");
    for (now, then) in digests.lines().zip(recorded.lines()) {
        assert_eq!(now, then, "INSTA_UPDATE=always records what is true now");
    }
    assert_eq!(digests.lines().count(), recorded.lines().count(), "a digest for every scenario");
}
