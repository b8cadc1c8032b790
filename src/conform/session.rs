//! What a client keeps of its session: who it proved to be, which watches it set, how far it has seen. The recorder kept it as Java's library does,
//! since what a reconnect registers again follows from it.

use std::sync::Arc;

use crate::client::{Registration, Watches};
use crate::proto::{ErrorCode, Micros, Op, WatcherEvent, Zxid};

/// One session of a transcript.
#[derive(Clone, Debug)]
pub struct Session {
    /// `s1`.
    pub name: String,
    /// The server it is at, or was at last, counted from 0.
    pub host: usize,
    /// What it asks for.
    pub timeout: Micros,
    /// Of all replies so far.
    pub seen: Zxid,
    /// The proofs of who it is that were ever accepted.
    pub auths: Vec<Op>,
    /// Those that were accepted on the present connection.
    pub proved: Vec<Op>,
    pub watches: Watches,
    /// Notifications that belong to no request yet.
    pub events: Vec<Arc<WatcherEvent>>,
    /// Closed or expired, as far as its client knows.
    pub over: bool,
}

impl Session {
    pub fn new(name: String, host: usize, timeout: Micros) -> Session {
        Session {
            name,
            host,
            timeout,
            seen: Zxid::ZERO,
            auths: Vec::new(),
            proved: Vec::new(),
            watches: Watches::default(),
            events: Vec::new(),
            over: false,
        }
    }

    /// Takes the notifications so far. Standard watches that they told of are used up.
    pub fn take_events(&mut self) -> Vec<Arc<WatcherEvent>> {
        let events = std::mem::take(&mut self.events);
        for event in &events {
            self.watches.fire(event.kind, &event.path);
        }
        events
    }

    /// A request was answered; a watch that it set, or took away, is one that the client knows of.
    pub fn on_answer(&mut self, op: &Op, error: Option<ErrorCode>) {
        match Registration::of(op) {
            None => {}
            Some(Registration::Removal(path, kind, _)) if error.is_none() => {
                self.watches.remove(&path, kind);
            }
            Some(registration) => self.watches.register(registration, error),
        }
    }
}
