//! The connection manager's rules. Election reference §4.

use std::sync::Arc;

use super::lone::{Lone, looking, vote};
use crate::actor::Effect;
use crate::proto::{ConnId, Micros, Notification, Packet, ServerId, Stage, Timer};
use crate::trace::Note;

fn conn(slot: u32) -> ConnId {
    ConnId { slot, generation: 1 }
}

/// A note that is told apart by its round.
fn numbered(round: i64) -> Arc<Notification> {
    Arc::new(looking(vote(1, 0), round))
}

fn send(lone: &mut Lone, to: i64, round: i64) {
    lone.act(|election, cx| election.connections.to_send(cx, ServerId(to), numbered(round)));
}

/// The sender of this peer runs. Returns the rounds of the notes that it wrote.
fn sender_runs(lone: &mut Lone, peer: i64) -> Vec<i64> {
    lone.effects.clear();
    lone.act(|election, cx| election.connections.on_send_worker(cx, ServerId(peer)));
    written(lone)
}

fn written(lone: &Lone) -> Vec<i64> {
    let notes = lone.effects.iter().filter_map(|effect| match effect {
        Effect::Send { packet: Packet::Notification(note), .. } => Some(note.round.0),
        _ => None,
    });
    notes.collect()
}

fn dials(lone: &Lone) -> Vec<i64> {
    lone.effects.iter().filter_map(|effect| if let Effect::Dial { to, .. } = effect { Some(to.0) } else { None }).collect()
}

fn closes(lone: &Lone) -> Vec<u32> {
    lone.effects.iter().filter_map(|effect| if let Effect::Close(conn) = effect { Some(conn.slot) } else { None }).collect()
}

fn accept(lone: &mut Lone, slot: u32) {
    lone.act(|election, cx| election.connections.on_accepted(cx, conn(slot)));
}

fn says(lone: &mut Lone, slot: u32, sid: i64) {
    lone.act(|election, cx| election.connections.on_packet(cx, conn(slot), Packet::Initial { sid: ServerId(sid) }));
}

fn closed(lone: &mut Lone, slot: u32) {
    lone.act(|election, cx| election.connections.on_closed(cx, conn(slot)));
}

#[test]
fn a_note_to_oneself_needs_no_connection() {
    let mut lone = Lone::new(1, 3);
    send(&mut lone, 1, 7);
    assert!(matches!(lone.effects[..], [Effect::Wake(Stage::WorkerReceiver)]), "{:?}", lone.effects);
    assert_eq!(lone.act(|election, _| election.connections.take_received()).map(|received| received.note.round.0), Some(7));
}

/// A peer that was away gets only the latest.
#[test]
fn the_send_queue_holds_the_newest_note() {
    let mut lone = Lone::new(3, 3);
    (1..=3).for_each(|round| send(&mut lone, 1, round));
    assert_eq!(dials(&lone), [1], "one dial at a time");
    assert_eq!(lone.kinds(), ["queued_note_replaced", "queued_note_replaced"]);
    assert!(!lone.election.connections.have_delivered());
    lone.connect(1, 0);
    assert_eq!(sender_runs(&mut lone, 1), [3]);
    assert!(lone.election.connections.have_delivered());
    assert_eq!(sender_runs(&mut lone, 1), [0; 0]);
}

#[test]
fn the_last_note_is_repeated_only_when_nothing_newer_waits() {
    let mut lone = Lone::new(3, 3);
    lone.connect(1, 0);
    assert_eq!(sender_runs(&mut lone, 1), [0; 0], "nothing was ever sent");
    send(&mut lone, 1, 1);
    assert_eq!(sender_runs(&mut lone, 1), [1]);
    closed(&mut lone, 0);
    lone.connect(1, 1);
    assert_eq!(sender_runs(&mut lone, 1), [1], "a new connection repeats it");
    assert_eq!(sender_runs(&mut lone, 1), [0; 0], "once");
    closed(&mut lone, 1);
    send(&mut lone, 1, 2);
    lone.connect(1, 2);
    assert_eq!(sender_runs(&mut lone, 1), [2]);
    assert_eq!(sender_runs(&mut lone, 1), [0; 0]);
}

/// What a sender had written when its connection broke is not queued again; what still waited is kept.
#[test]
fn a_broken_connection_keeps_the_queue() {
    let mut lone = Lone::new(3, 3);
    lone.connect(1, 0);
    send(&mut lone, 1, 1);
    lone.effects.clear();
    closed(&mut lone, 0);
    assert_eq!(dials(&lone), [0; 0], "nothing dials again by itself");
    assert_eq!(sender_runs(&mut lone, 1), [0; 0], "there is no sender");
    lone.act(|election, cx| election.connections.connect_all(cx));
    assert_eq!(dials(&lone), [1]);
    lone.connect(1, 1);
    assert_eq!(sender_runs(&mut lone, 1), [1]);
}

#[test]
fn a_blocked_sender_takes_the_newest_when_it_may_write_again() {
    let mut lone = Lone::new(3, 3);
    lone.connect(1, 0);
    lone.act(|election, cx| election.connections.on_window(cx, conn(0), true));
    send(&mut lone, 1, 1);
    assert_eq!(sender_runs(&mut lone, 1), [0; 0]);
    send(&mut lone, 1, 2);
    lone.act(|election, cx| election.connections.on_window(cx, conn(0), false));
    assert!(lone.effects.iter().any(|effect| matches!(effect, Effect::Wake(Stage::SendWorker(ServerId(1))))));
    assert_eq!(sender_runs(&mut lone, 1), [2]);
}

/// The smaller id knocks: it says who it is, and closes.
#[test]
fn a_dial_to_a_larger_id_is_a_knock() {
    let mut lone = Lone::new(1, 3);
    send(&mut lone, 3, 1);
    lone.act(|election, cx| election.connections.on_connected(cx, ServerId(3), conn(0)));
    assert_eq!(closes(&lone), [0]);
    assert!(lone.effects.iter().any(|effect| matches!(effect, Effect::Send { packet: Packet::Initial { sid: ServerId(1) }, .. })));
    assert_eq!(sender_runs(&mut lone, 3), [0; 0], "the note waits for the connection that s3 will make");
    lone.connect(3, 1);
    assert_eq!(sender_runs(&mut lone, 3), [1]);
}

/// The larger id hears a knock: it closes that connection and the pair's present one, and dials.
#[test]
fn a_knock_is_dialled_back_and_tears_down() {
    let mut lone = Lone::new(3, 3);
    lone.connect(1, 0);
    accept(&mut lone, 1);
    lone.effects.clear();
    says(&mut lone, 1, 1);
    assert_eq!((closes(&lone), dials(&lone)), (vec![0, 1], vec![1]));
    // Another knock while that dial is under way does not dial twice.
    accept(&mut lone, 2);
    lone.effects.clear();
    says(&mut lone, 2, 1);
    assert_eq!((closes(&lone), dials(&lone)), (vec![2], vec![]));
}

#[test]
fn a_larger_id_replaces_the_connection() {
    let mut lone = Lone::new(1, 3);
    lone.connect(3, 0);
    lone.effects.clear();
    lone.connect(3, 1);
    assert_eq!(closes(&lone), [0]);
    assert!(matches!(lone.notes()[..], [Note::PeerConnected { peer: ServerId(3), replaced: true }]));
    closed(&mut lone, 0);
    assert!(lone.notes().is_empty(), "the end of the replaced one is nobody's loss");
    send(&mut lone, 3, 5);
    assert_eq!(sender_runs(&mut lone, 3), [5]);
}

/// ZOOKEEPER-2164: nothing but a line in the log.
#[test]
fn its_own_id_is_not_answered() {
    let mut lone = Lone::new(2, 3);
    accept(&mut lone, 0);
    lone.effects.clear();
    says(&mut lone, 0, 2);
    assert_eq!((closes(&lone), dials(&lone), lone.kinds()), (vec![], vec![], vec![]));
}

/// The accept thread reads one connection after the other.
#[test]
fn a_silent_peer_blocks_those_behind_it() {
    let mut lone = Lone::new(1, 3);
    accept(&mut lone, 0);
    let armed =
        |lone: &Lone, slot| lone.effects.iter().any(|effect| matches!(effect, Effect::Arm { timer: Timer::Handshake(of), .. } if *of == conn(slot)));
    assert!(armed(&lone, 0));
    accept(&mut lone, 1);
    assert!(!armed(&lone, 1), "its time runs when its turn comes");
    says(&mut lone, 1, 3);
    lone.act(|election, cx| election.connections.on_packet(cx, conn(1), Packet::Notification(numbered(8))));
    assert!(lone.kinds().is_empty());
    lone.act(|election, cx| election.connections.on_handshake_timeout(cx, conn(0)));
    assert_eq!(closes(&lone), [0]);
    assert_eq!(lone.kinds(), ["handshake_timed_out", "peer_connected"]);
    assert_eq!(lone.act(|election, _| election.connections.take_received()).map(|received| received.note.round.0), Some(8));
}

/// The handshake timeout is tickTime x syncLimit, or its own setting.
#[test]
fn a_handshake_has_the_time_of_syncing() {
    let mut lone = Lone::new(1, 3);
    accept(&mut lone, 0);
    let time = lone.election.config.handshake_time();
    assert_eq!(time, Micros::from_secs(10));
    assert!(lone.effects.iter().any(|effect| matches!(effect, Effect::Arm { after, .. } if *after == time)));
}

/// A knock that closed while it waited is read all the same: its words are in the buffer.
#[test]
fn a_knock_behind_a_silent_peer_is_heard_late() {
    let mut lone = Lone::new(3, 3);
    accept(&mut lone, 0);
    accept(&mut lone, 1);
    says(&mut lone, 1, 1);
    closed(&mut lone, 1);
    accept(&mut lone, 2);
    closed(&mut lone, 2);
    lone.effects.clear();
    closed(&mut lone, 0);
    assert_eq!(dials(&lone), [1]);
    assert_eq!(lone.kinds(), ["dials_back"], "one that said nothing is forgotten");
    accept(&mut lone, 3);
    says(&mut lone, 3, 2);
    assert!(dials(&lone).contains(&2), "and the thread goes on");
}

/// A larger peer that connected and went away behind a silent one was connected for a moment.
#[test]
fn a_connection_that_broke_before_its_turn_is_lost_at_once() {
    let mut lone = Lone::new(1, 3);
    accept(&mut lone, 0);
    accept(&mut lone, 1);
    says(&mut lone, 1, 3);
    closed(&mut lone, 1);
    lone.notes();
    closed(&mut lone, 0);
    assert_eq!(lone.kinds(), ["peer_connected", "peer_lost"]);
}

#[test]
fn the_receive_queue_drops_the_oldest() {
    let mut lone = Lone::new(1, 3);
    let conn = lone.connect(3, 0);
    lone.notes();
    for round in 0..103 {
        lone.act(|election, cx| election.connections.on_packet(cx, conn, Packet::Notification(numbered(round))));
    }
    assert_eq!(lone.kinds(), ["receive_queue_overflowed"; 3]);
    let kept: Vec<i64> = std::iter::from_fn(|| lone.election.connections.take_received()).map(|received| received.note.round.0).collect();
    assert_eq!(kept, (3..103).collect::<Vec<_>>());
}

#[test]
fn twenty_dials_are_under_way_at_most() {
    let mut lone = Lone::new(30, 30);
    (1..=22).for_each(|peer| send(&mut lone, peer, 1));
    assert_eq!(dials(&lone), (1..=20).collect::<Vec<_>>());
    assert_eq!(lone.kinds(), ["peer_unreachable"; 2]);
    lone.act(|election, cx| election.connections.on_dial_failed(cx, ServerId(1)));
    lone.effects.clear();
    lone.act(|election, cx| election.connections.connect_all(cx));
    assert_eq!(dials(&lone), [1], "there is room for one");
}

#[test]
fn nobody_outside_the_list_is_dialled() {
    let mut lone = Lone::new(1, 3);
    send(&mut lone, 9, 1);
    assert_eq!(dials(&lone), [0; 0]);
}
