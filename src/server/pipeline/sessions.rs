//! Who is alive. The leader decides; a learner only collects whom it heard from. Source: `LeaderSessionTracker`, `SessionTrackerImpl`,
//! `LearnerSessionTracker`; sessions reference §4, §5.

use std::collections::BTreeMap;

use crate::bugs::{Bug, Bugs};
use crate::proto::{ErrorCode, Micros, ServerId, SessionId};

use super::expiry::ExpiryQueue;
use super::request::Owner;

/// The leader's tracker.
#[derive(Clone, Debug)]
pub struct SessionTracker {
    sessions: BTreeMap<SessionId, Tracked>,
    expiry: ExpiryQueue,
    /// Sessions that it does not know may be local ones of other servers than this (`localSessionsEnabled`).
    pub strangers_besides: Option<ServerId>,
}

#[derive(Clone, Debug)]
struct Tracked {
    /// The bucket that it expires with.
    deadline: Micros,
    /// Its closeSession is under way: nothing saves it any more.
    closing: bool,
    /// Through whom it speaks; `None` until its first request, or since this leader took over.
    owner: Option<Owner>,
}

/// What a session's timeout is told as, in milliseconds, as a length of time.
fn length(timeout: i32) -> Micros {
    Micros::from_millis(timeout.max(0) as u64)
}

impl SessionTracker {
    /// A leader takes over: every session that the database knows gets a fresh timeout.
    pub fn new(now: Micros, tick: Micros, known: impl Iterator<Item = (SessionId, i32)>) -> SessionTracker {
        let mut tracker = SessionTracker { sessions: BTreeMap::new(), expiry: ExpiryQueue::new(now, tick), strangers_besides: None };
        known.for_each(|(session, timeout)| tracker.track(now, session, timeout));
        tracker
    }

    /// Starts to track a session; one that is tracked already is heard from.
    pub fn track(&mut self, now: Micros, session: SessionId, timeout: i32) {
        if self.sessions.contains_key(&session) {
            self.touch(now, session, timeout);
            return;
        }
        let deadline = self.expiry.deadline(now, length(timeout));
        self.expiry.insert(session, deadline);
        self.sessions.insert(session, Tracked { deadline, closing: false, owner: None });
    }

    /// The session was heard from. False when there is none or it is being closed.
    pub fn touch(&mut self, now: Micros, session: SessionId, timeout: i32) -> bool {
        let Some(tracked) = self.sessions.get_mut(&session).filter(|tracked| !tracked.closing) else {
            return false;
        };
        let deadline = self.expiry.deadline(now, length(timeout));
        if deadline != tracked.deadline {
            self.expiry.remove(session, tracked.deadline);
            self.expiry.insert(session, deadline);
            tracked.deadline = deadline;
        }
        true
    }

    /// Whether the session may ask for something through `owner`: not any more once it is being closed.
    pub fn check(&mut self, session: SessionId, owner: Owner) -> Result<(), ErrorCode> {
        if self.sessions.get(&session).is_some_and(|tracked| tracked.closing) {
            return Err(ErrorCode::SessionExpired);
        }
        self.check_owner(session, owner)
    }

    /// Whether the session speaks through `owner`; the first one through whom it does becomes that.
    pub fn check_owner(&mut self, session: SessionId, owner: Owner) -> Result<(), ErrorCode> {
        let Some(tracked) = self.sessions.get_mut(&session) else {
            let may_be_local = self.strangers_besides.is_some_and(|me| me.0 != session.0 >> 56 & 0xff);
            return if may_be_local { Ok(()) } else { Err(ErrorCode::SessionExpired) };
        };
        if *tracked.owner.get_or_insert(owner) == owner { Ok(()) } else { Err(ErrorCode::SessionMoved) }
    }

    /// As [`SessionTracker::check`], for what only a session may do that all servers know. Source: `checkGlobalSession`.
    pub fn check_global(&mut self, session: SessionId, owner: Owner) -> Result<(), ErrorCode> {
        if self.sessions.contains_key(&session) { self.check(session, owner) } else { Err(ErrorCode::SessionExpired) }
    }

    /// The session moves to `owner`: requests that come through anybody else are refused from now on.
    pub fn set_owner(&mut self, session: SessionId, owner: Owner) {
        if let Some(tracked) = self.sessions.get_mut(&session).filter(|tracked| !tracked.closing) {
            tracked.owner = Some(owner);
        }
    }

    /// Its closeSession was prepared.
    pub fn set_closing(&mut self, session: SessionId) {
        if let Some(tracked) = self.sessions.get_mut(&session) {
            tracked.closing = true;
        }
    }

    /// Its closeSession was applied.
    pub fn remove(&mut self, session: SessionId) {
        if let Some(tracked) = self.sessions.remove(&session) {
            self.expiry.remove(session, tracked.deadline);
        }
    }

    /// The sessions of all buckets whose time has come; they are being closed now.
    ///
    /// ZOOKEEPER-1496: they were forgotten at once, and nobody knew that they were being closed.
    pub fn expire(&mut self, now: Micros, bugs: Bugs) -> Vec<SessionId> {
        let mut expired = Vec::new();
        while let Some(bucket) = self.expiry.poll(now) {
            expired.extend(bucket);
        }
        let end = if bugs.has(Bug::Zk1496) { SessionTracker::remove } else { SessionTracker::set_closing };
        expired.iter().for_each(|session| end(self, *session));
        expired
    }

    /// Its createSession is applied. It is tracked since that was prepared.
    ///
    /// ZOOKEEPER-1496: it was tracked from here on, too, even if it had expired meanwhile.
    pub fn commit(&mut self, now: Micros, session: SessionId, timeout: i32, bugs: Bugs) {
        if bugs.has(Bug::Zk1496) {
            self.track(now, session, timeout);
        }
    }

    /// How long until the next bucket's time comes.
    pub fn wait(&self, now: Micros) -> Micros {
        self.expiry.wait(now)
    }
}
