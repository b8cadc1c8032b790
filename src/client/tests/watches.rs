//! What a client remembers of its watches, and what its user is told.

use std::sync::Arc;

use super::lone::{Lone, ms};
use crate::proto::ask::{get, persistent, recursive, set, unwatch, watch_children, watch_data, watch_exists};
use crate::proto::{Answer, ErrorCode, EventType, Op, Packet, Path, SetWatches, Stat, WatcherEvent, WatcherType, Zxid};

impl Lone {
    /// Asks, is answered, and forgets that.
    fn watches(&mut self, op: Op) {
        self.asks(op, Ok(Answer::Stat(Stat::default())));
    }

    fn asks(&mut self, op: Op, result: Result<Answer, ErrorCode>) {
        self.is_asked(op);
        let xid = match self.sent.last() {
            Some(Packet::ClientRequest(request)) => request.xid,
            other => panic!("{other:?}"),
        };
        self.replies(xid, Zxid::new(1, 5), result);
        self.runs_callbacks();
        self.sent.clear();
        self.notes.clear();
    }

    fn event(&mut self, kind: EventType, path: &str) {
        self.receives(Packet::WatcherEvent(Arc::new(WatcherEvent::of_node(Zxid::new(1, 9), kind, path.into()))));
    }

    /// What its user is told of events from now on.
    fn is_told(&mut self, kind: EventType, path: &str) -> Vec<String> {
        self.event(kind, path);
        self.runs_callbacks();
        self.tells()
    }

    /// Its connection ends, and it is back on another; what it says behind the greeting.
    fn comes_back(&mut self) -> Vec<Arc<SetWatches>> {
        self.is_closed();
        self.waits(ms(350));
        self.connects();
        let set = |packet: &Packet| match packet {
            Packet::ClientRequest(request) => {
                if let Op::SetWatches(watches) = &request.op {
                    Some(watches.clone())
                } else {
                    None
                }
            }
            _ => None,
        };
        self.sent.iter().filter_map(set).collect()
    }
}

fn connected() -> Lone {
    let mut lone = Lone::new();
    lone.connects();
    lone.tells();
    lone
}

fn paths(list: &[Path]) -> Vec<&str> {
    list.iter().map(|path| &**path).collect()
}

#[test]
fn who_watches_is_told_once() {
    let mut lone = connected();
    lone.watches(watch_data("/a"));
    assert_eq!(lone.is_told(EventType::NodeDataChanged, "/a"), ["0 is told: NodeDataChanged /a"]);
    assert!(lone.is_told(EventType::NodeDataChanged, "/a").is_empty(), "nobody watches any more");
    lone.watches(persistent("/a"));
    for _ in 0..2 {
        assert_eq!(lone.is_told(EventType::NodeChildrenChanged, "/a"), ["0 is told: NodeChildrenChanged /a"]);
    }
    assert!(lone.is_told(EventType::NodeDataChanged, "/a/b").is_empty());
}

/// In the order in which answers and events came.
#[test]
fn events_stand_in_line_with_answers() {
    let mut lone = connected();
    lone.watches(watch_data("/a"));
    lone.is_asked(get("/a"));
    lone.is_asked(get("/a"));
    lone.replies(2, Zxid::new(1, 8), Ok(Answer::Done));
    lone.event(EventType::NodeDataChanged, "/a");
    lone.replies(3, Zxid::new(1, 9), Ok(Answer::Done));
    lone.runs_callbacks();
    assert_eq!(lone.tells(), ["0 is answered: Ok (zxid 1:8)", "0 is told: NodeDataChanged /a", "0 is answered: Ok (zxid 1:9)"]);
}

#[test]
fn a_recursive_watch_is_deaf_to_lists() {
    for (watched, path, told) in [("/", "/", 1), ("/", "/a/b", 1), ("/a", "/a", 1), ("/a", "/a/b", 1), ("/a", "/ab", 0), ("/a/b", "/a", 0)] {
        let mut lone = connected();
        lone.watches(recursive(watched));
        assert_eq!(lone.is_told(EventType::NodeDataChanged, path).len(), told, "{watched} {path}");
        assert!(lone.is_told(EventType::NodeChildrenChanged, path).is_empty());
    }
}

#[test]
fn only_what_succeeded_is_watched() {
    let mut lone = connected();
    lone.asks(watch_data("/a"), Err(ErrorCode::NoNode));
    lone.asks(watch_children("/a"), Err(ErrorCode::NoNode));
    lone.asks(watch_exists("/b"), Err(ErrorCode::NoAuth));
    assert!(lone.comes_back().is_empty());
    lone.asks(watch_exists("/a"), Err(ErrorCode::NoNode));
    assert_eq!(lone.is_told(EventType::NodeCreated, "/a").len(), 1);
}

#[test]
fn it_sets_its_watches_again_when_it_is_back() {
    let mut lone = connected();
    for op in [watch_data("/d"), watch_exists("/e"), watch_children("/c")] {
        lone.watches(op);
    }
    lone.asks(watch_exists("/n"), Err(ErrorCode::NoNode));
    lone.event(EventType::NodeDataChanged, "/e");
    lone.is_closed();
    lone.waits(ms(100));
    lone.is_asked(get("/q"));
    lone.waits(ms(250));
    lone.connects();
    assert_eq!(lone.says(), ["5 set 3 watches again, from 1:5 on", "6 get /q"], "before all that waits, and an event is not a look");
    for op in [persistent("/p"), recursive("/r")] {
        lone.is_asked(op);
    }
    lone.replies(5, Zxid::new(1, 7), Ok(Answer::Done));
    for xid in 6..9 {
        lone.replies(xid, Zxid::new(1, 8), Ok(Answer::Done));
    }
    let again = lone.comes_back();
    let [watches] = &again[..] else { panic!("{again:?}") };
    assert_eq!(watches.lists().map(|list| paths(list)), [vec!["/d"], vec!["/n"], vec!["/c"], vec!["/p"], vec!["/r"]]);
    assert_eq!(watches.relative_zxid, Zxid::new(1, 8));
}

/// About 128 KiB of paths in one request; the last batch is sent first, as by Java.
#[test]
fn many_watches_are_set_again_in_batches() {
    let mut lone = connected();
    for name in 'a'..='e' {
        lone.watches(watch_data(&format!("/{}", name.to_string().repeat(50_000))));
    }
    lone.watches(watch_children("/z"));
    let again = lone.comes_back();
    let names: Vec<String> = again.iter().flat_map(|it| it.lists()).flat_map(|list| list.iter()).map(|path| path[1..2].into()).collect();
    assert_eq!(names, ["d", "e", "z", "a", "b", "c"]);
    assert_eq!(again.iter().map(|it| it.count()).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn watchers_hear_how_the_session_stands() {
    let mut lone = connected();
    lone.watches(watch_data("/a"));
    lone.is_closed();
    lone.waits(ms(350));
    lone.is_refused();
    lone.waits(ms(350));
    lone.connects();
    lone.runs_callbacks();
    let told = |lone: &mut Lone| -> Vec<String> { lone.tells().into_iter().filter(|told| told.contains("told")).collect() };
    assert_eq!(told(&mut lone), ["100 is told: Disconnected", "700 is told: SyncConnected"], "no state twice");
    lone.is_closed();
    lone.waits(ms(350));
    lone.is_accepted();
    lone.is_answered(0);
    lone.waits(ms(100));
    assert_eq!(told(&mut lone), ["800 is told: Disconnected", "1050 is told: Expired"]);
    lone.step(crate::actor::Input::Command(crate::proto::Command::Connect { server: None, claim: None }));
    lone.connects();
    assert!(lone.comes_back().is_empty(), "a new session watches nothing");
}

/// Whoever says it first: a server's word is told before what was asked fails, the client's own clock is told behind that.
#[test]
fn watchers_hear_of_the_end_of_the_session() {
    for (by_itself, expected) in
        [(false, ["is told: Expired", "is answered: SessionExpired"]), (true, ["is answered: SessionExpired", "is told: Expired"])]
    {
        let mut lone = connected();
        lone.watches(watch_data("/a"));
        lone.is_closed();
        lone.waits(ms(350));
        if by_itself {
            // Nobody is there for 4/3 of the timeout, 6 s.
            while lone.dialled().is_some() {
                lone.tells();
                lone.is_asked(set("/a", "x", -1));
                lone.is_ignored();
                lone.waits(ms(1_350));
            }
        } else {
            lone.tells();
            lone.is_asked(set("/a", "x", -1));
            lone.is_accepted();
            lone.is_answered(0);
            lone.waits(ms(100));
        }
        lone.runs_callbacks();
        let told: Vec<String> = lone.tells().into_iter().filter_map(|told| told.split_once(' ').map(|(_, what)| what.to_string())).collect();
        let told: Vec<&str> = told.iter().map(String::as_str).filter(|what| what.starts_with("is")).collect();
        assert_eq!(told, expected);
    }
}

#[test]
fn a_client_that_closes_tells_its_watchers() {
    let mut lone = connected();
    lone.watches(recursive("/a"));
    lone.is_asked(Op::CloseSession);
    lone.replies(2, Zxid::new(1, 9), Ok(Answer::Done));
    lone.runs_callbacks();
    assert_eq!(lone.tells()[1..], ["0 is answered: Ok (zxid 1:9)", "0 is told: Closed"]);
}

#[test]
fn without_the_automatic_reset_watches_go_with_the_connection() {
    let mut lone = Lone::with(|program| program.resets_watches = false);
    lone.connects();
    lone.watches(watch_data("/a"));
    lone.watches(persistent("/p"));
    assert!(lone.comes_back().is_empty());
    lone.runs_callbacks();
    assert!(lone.tells().iter().any(|told| told.ends_with("is told: Disconnected")));
    assert!(lone.is_told(EventType::NodeDataChanged, "/a").is_empty(), "those that fire once are forgotten");
    assert_eq!(lone.is_told(EventType::NodeDataChanged, "/p").len(), 1);
}

#[test]
fn watches_that_are_taken_away_say_so() {
    let mut lone = connected();
    for op in [watch_data("/a"), watch_children("/a"), persistent("/a"), recursive("/a")] {
        lone.watches(op);
    }
    lone.is_asked(unwatch("/a", WatcherType::Data));
    lone.replies(5, Zxid::new(1, 9), Ok(Answer::Done));
    lone.runs_callbacks();
    assert_eq!(lone.tells(), ["0 is told: DataWatchRemoved /a", "0 is answered: Ok (zxid 1:9)"]);
    lone.is_asked(unwatch("/a", WatcherType::Any));
    lone.replies(6, Zxid::new(1, 9), Ok(Answer::Done));
    lone.runs_callbacks();
    assert_eq!(lone.tells(), ["0 is told: ChildWatchRemoved /a", "0 is told: PersistentWatchRemoved /a", "0 is answered: Ok (zxid 1:9)"]);
    lone.is_asked(unwatch("/a", WatcherType::Any));
    lone.replies(7, Zxid::new(1, 9), Ok(Answer::Done));
    lone.runs_callbacks();
    assert_eq!(lone.tells(), ["0 is answered: NoWatcher (zxid 1:9)"], "whatever the server says");
    assert!(lone.is_told(EventType::NodeDeleted, "/a").is_empty());
}

#[test]
fn a_removal_that_fails_leaves_the_watch() {
    let mut lone = connected();
    lone.watches(watch_data("/a"));
    lone.asks(unwatch("/a", WatcherType::Data), Err(ErrorCode::NoWatcher));
    lone.is_asked(unwatch("/a", WatcherType::Data));
    lone.is_asked(unwatch("/b", WatcherType::Data));
    lone.is_closed();
    lone.waits(ms(100));
    let told: Vec<String> = lone.tells().into_iter().filter(|told| told.contains("answered")).collect();
    assert_eq!(told, ["100 is answered: ConnectionLoss", "100 is answered: NoWatcher"]);
    lone.waits(ms(250));
    lone.connects();
    assert!(lone.says().iter().any(|said| said.contains("set 1 watches again")));
}

/// A client that watches nothing hears nothing of all this.
#[test]
fn without_watches_nothing_is_different() {
    let mut lone = connected();
    lone.is_asked(get("/a"));
    lone.replies(1, Zxid::new(1, 1), Ok(Answer::Done));
    lone.runs_callbacks();
    assert!(lone.comes_back().is_empty());
    lone.runs_callbacks();
    assert!(lone.tells().iter().all(|told| !told.contains("told")));
}

#[test]
fn watchers_hear_that_a_server_refuses_what_their_client_says_it_is() {
    let mut lone = connected();
    lone.watches(watch_data("/a"));
    lone.is_asked(Op::Auth { scheme: "nobody".into(), credential: None });
    lone.replies(crate::proto::AUTH_XID, Zxid::ZERO, Err(ErrorCode::AuthFailed));
    lone.runs_callbacks();
    assert!(lone.tells().iter().any(|told| told == "0 is told: AuthFailed"));
}
