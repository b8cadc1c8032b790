//! Scripts: recipes written as one would with a library that blocks.
//!
//! A script is run from its first line each time something happens that it waits for. What it asked before is answered from its memory, so
//! that it comes again to the line where it was, and one further. So a script is a pure function of what it was answered; its state is a list
//! of answers, which can be copied, and no thread waits anywhere.
//!
//! The law of scripts: whatever decides between two lines comes through [`Script`], never from the state of the client, which may be another
//! one when the line is read again.

use std::collections::VecDeque;

use crate::actor::Cx;
use crate::bugs::{Bug, Bugs};
use crate::proto::{
    Answer, ErrorCode, EventType, KeeperState, Micros, NodeId, Op, Path, Recipe, RecipeCall, RecipeVerb, SessionId, WatcherEvent, Zxid,
};
use crate::trace::{LetGoReason, Note};

use super::super::Client;
use super::duties::{Duty, Knowledge};
use super::holdings::Held;

/// Why a script does not come to its end now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It waits, and will be run again.
    Waiting,
    /// A request failed, and nothing can be done about it.
    Failed(ErrorCode),
    /// Its user is told this instead of what was asked for.
    Refused(&'static str),
}

pub type Run<T> = Result<T, Stop>;

/// Who waits for this path is woken when the client is back on a server; and for that, when it has lost one. No node is called so.
pub const BACK: &str = "";
pub const GONE: &str = "-";

/// What has come of a script so far.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    past: Vec<Past>,
    /// Events that nobody has waited for yet.
    inbox: VecDeque<Path>,
    /// What it waits for besides an answer.
    waits_for: Vec<Path>,
    is_waiting: bool,
    /// In which it began.
    session: SessionId,
    /// The session has ended.
    ended: bool,
    /// Whether it is told how the connection stands.
    hears_signs: bool,
}

/// One thing that a script has done or was told.
#[derive(Clone, Debug)]
enum Past {
    Answer(Result<Answer, ErrorCode>, Zxid),
    Done,
    Time(Micros),
    Session(SessionId),
    Held(Option<Held>),
    /// Whether the client had such a duty.
    Duty(bool),
    Stood(bool),
    /// The path of the event, or nothing when time ran out.
    Woken(Option<Path>),
    Ended,
}

/// What a script wants to have done.
#[derive(Clone, Debug)]
pub enum Deed {
    Ask(Op),
    Tell(Note),
    /// Run it again after so long.
    Arm(Micros),
    /// From now on this is held.
    Hold(Held),
    /// From now on the client has this place among others, which is no holding: it believes nothing of it.
    Keep(Held),
    /// The node's holder believes no more that it holds.
    LetGo(Path, LetGoReason),
    /// And nothing reminds of it.
    Forget(Path),
    /// From now on the client sees to this.
    TakeOn(RecipeCall),
    /// And no more.
    GiveUp(RecipeVerb, Path),
    /// A duty's observer knows this by now.
    Know(Knowledge),
    /// From now on this is looked after, over sessions.
    Stand(RecipeCall),
    /// And no more.
    StandDown(Path),
}

impl Memo {
    pub fn answered(&mut self, result: Result<Answer, ErrorCode>, zxid: Zxid) {
        self.past.push(Past::Answer(result, zxid));
    }

    /// It is about to go on, while the client has this session. In another one nothing is its own.
    fn enter(&mut self, session: SessionId) {
        self.is_waiting = false;
        if self.session == SessionId::NONE {
            self.session = session;
        }
        self.ended |= self.session != session;
    }

    /// Whether it waits for an event or for its time, and not for an answer.
    pub fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Whether the script goes on with this event.
    pub fn on_event(&mut self, event: &WatcherEvent) -> bool {
        match event.kind {
            EventType::None if matches!(event.state, KeeperState::Expired | KeeperState::Closed) => self.ended = true,
            EventType::None => return self.on_sign(event.state),
            _ => self.inbox.push_back(event.path.clone()),
        }
        self.is_waiting && (self.ended || self.waits_for.contains(&event.path))
    }

    /// The connection has come or gone.
    fn on_sign(&mut self, state: KeeperState) -> bool {
        let sign: Path = match state {
            KeeperState::SyncConnected => BACK.into(),
            KeeperState::Disconnected => GONE.into(),
            _ => return false,
        };
        if !self.hears_signs {
            return false;
        }
        self.inbox.push_back(sign.clone());
        self.is_waiting && self.waits_for.contains(&sign)
    }

    /// Of a script that hears of its connection too.
    pub fn of_duty() -> Memo {
        Memo { hears_signs: true, ..Memo::default() }
    }

    /// The script begins at its first line, and remembers nothing but the events that nobody has waited for.
    pub fn start_anew(&mut self) {
        self.past.clear();
    }
}

/// What the client knows, as it is now.
pub struct Known<'a> {
    pub held: &'a [Held],
    pub standing: &'a [RecipeCall],
    pub duties: &'a [Duty],
    pub session: SessionId,
}

/// What a script sees of the world.
pub struct Script<'a> {
    pub me: NodeId,
    bugs: Bugs,
    /// What sets it apart from all other scripts of the client.
    pub number: u64,
    now: Micros,
    known: Known<'a>,
    memo: &'a mut Memo,
    /// How much of its past it has come by.
    at: usize,
    /// The zxid of the last answer of that.
    seen: Zxid,
    deeds: &'a mut Vec<Deed>,
}

impl<'a> Script<'a> {
    pub fn new(cx: &Cx, memo: &'a mut Memo, known: Known<'a>, number: u64, deeds: &'a mut Vec<Deed>) -> Script<'a> {
        memo.enter(known.session);
        Script { me: cx.me, bugs: cx.bugs, number, now: cx.now, known, memo, at: 0, seen: Zxid::ZERO, deeds }
    }

    /// Whether its author has made this mistake.
    pub fn has(&self, mistake: Bug) -> bool {
        self.bugs.has(mistake)
    }

    /// What comes next of its past; `None` at the line that it has never come by.
    fn recall(&mut self) -> Option<Past> {
        let past = self.memo.past.get(self.at).cloned();
        self.at += usize::from(past.is_some());
        past
    }

    /// A line that is read for the first time comes to this.
    fn remember(&mut self, past: Past) {
        self.memo.past.push(past);
        self.at += 1;
    }

    /// A request, and the zxid of its answer. No retry. Once its session is over a script asks for nothing: the client may have another one by
    /// now, in which nothing is its own.
    pub fn ask(&mut self, op: impl FnOnce() -> Op) -> Run<(Answer, Zxid)> {
        match self.recall() {
            Some(Past::Answer(result, zxid)) => {
                self.seen = zxid;
                result.map(|answer| (answer, zxid)).map_err(Stop::Failed)
            }
            None if self.memo.ended => {
                self.remember(Past::Ended);
                Err(Stop::Failed(ErrorCode::SessionExpired))
            }
            Some(_) => Err(Stop::Failed(ErrorCode::SessionExpired)),
            None => {
                self.deeds.push(Deed::Ask(op()));
                Err(Stop::Waiting)
            }
        }
    }

    /// The zxid of the last answer, errors included; 0 if nobody answered.
    pub fn seen(&self) -> Zxid {
        self.seen
    }

    /// Does something once.
    fn once(&mut self, deed: impl FnOnce() -> Deed) {
        if self.recall().is_none() {
            self.remember(Past::Done);
            self.deeds.push(deed());
        }
    }

    /// Tells observers a fact.
    pub fn tell(&mut self, note: impl FnOnce() -> Note) {
        self.once(|| Deed::Tell(note()));
    }

    /// From now on this is held.
    pub fn hold(&mut self, held: Held) {
        self.once(|| Deed::Hold(held));
    }

    /// From now on this is its place, until it is forgotten or the session ends.
    pub fn keep(&mut self, place: Held) {
        self.once(|| Deed::Keep(place));
    }

    /// What is held with this node is not believed to be held any more.
    pub fn let_go(&mut self, node: &Path, why: LetGoReason) {
        self.once(|| Deed::LetGo(node.clone(), why));
    }

    /// Nothing is held with this node any more.
    pub fn forget(&mut self, node: &Path) {
        self.once(|| Deed::Forget(node.clone()));
    }

    /// From now on the client sees to this.
    pub fn take_on(&mut self, call: &RecipeCall) {
        self.once(|| Deed::TakeOn(call.clone()));
    }

    /// What the next lap begins with, whatever becomes of this one.
    pub fn know(&mut self, known: &Knowledge) {
        self.once(|| Deed::Know(known.clone()));
    }

    /// The client sees to this no more: whether it did when it first comes here.
    pub fn give_up(&mut self, verb: RecipeVerb, path: &Path) -> bool {
        if let Some(Past::Duty(had)) = self.recall() {
            return had;
        }
        let had = self.known.duties.iter().any(|duty| duty.call.verb == verb && duty.call.path == *path);
        self.remember(Past::Duty(had));
        self.deeds.push(Deed::GiveUp(verb, path.clone()));
        had
    }

    /// From now on this is looked after, over connections and sessions.
    pub fn stand(&mut self, call: &RecipeCall) {
        self.once(|| Deed::Stand(call.clone()));
    }

    /// What was started here is looked after no more. Tells whether something was.
    pub fn stand_down(&mut self, path: &Path) -> bool {
        if let Some(Past::Stood(stood)) = self.recall() {
            return stood;
        }
        let stood = self.known.standing.iter().any(|call| call.path == *path);
        self.remember(Past::Stood(stood));
        self.deeds.push(Deed::StandDown(path.clone()));
        stood
    }

    /// What the client holds of this recipe when it first comes here.
    pub fn held(&mut self, recipe: Recipe, path: &Path) -> Option<Held> {
        if let Some(Past::Held(held)) = self.recall() {
            return held;
        }
        let held = Client::holding(self.known.held, recipe, path).cloned();
        self.remember(Past::Held(held.clone()));
        held
    }

    /// The session as it is when it first comes here.
    pub fn session(&mut self) -> SessionId {
        if let Some(Past::Session(session)) = self.recall() {
            return session;
        }
        self.remember(Past::Session(self.known.session));
        self.known.session
    }

    /// The time when it first comes here, by the client's clock.
    pub fn now(&mut self) -> Micros {
        if let Some(Past::Time(time)) = self.recall() {
            return time;
        }
        self.remember(Past::Time(self.now));
        self.now
    }

    /// When a wait of this length that begins here is over.
    pub fn deadline(&mut self, within: Option<Micros>) -> Option<Micros> {
        within.map(|within| self.now() + within)
    }

    /// Waits for an event of one of these nodes, which must have been asked for: which it is, or nothing once the time has come. Events that
    /// came since, and that nobody waited for, count; so none is lost between a read and the wait for what it watches.
    pub fn wait(&mut self, paths: &[&Path], deadline: Option<Micros>) -> Run<Option<Path>> {
        match self.recall() {
            Some(Past::Woken(path)) => return Ok(path),
            Some(_) => return Err(Stop::Failed(ErrorCode::SessionExpired)),
            None => {}
        }
        let came = self.memo.inbox.iter().position(|path| paths.contains(&path));
        if let Some(at) = came {
            let path = self.memo.inbox.remove(at);
            self.remember(Past::Woken(path.clone()));
            return Ok(path);
        }
        if self.memo.ended {
            self.remember(Past::Ended);
            return Err(Stop::Failed(ErrorCode::SessionExpired));
        }
        if let Some(deadline) = deadline {
            if deadline <= self.now {
                self.remember(Past::Woken(None));
                return Ok(None);
            }
            self.deeds.push(Deed::Arm(deadline - self.now));
        }
        self.memo.is_waiting = true;
        self.memo.waits_for = paths.iter().map(|path| (*path).clone()).collect();
        Err(Stop::Waiting)
    }
}

/// What a script makes of errors that it expects.
pub trait Unless<T> {
    /// Nothing, if it failed with this error.
    fn unless(self, expected: ErrorCode) -> Run<Option<T>>;
}

impl<T> Unless<T> for Run<T> {
    fn unless(self, expected: ErrorCode) -> Run<Option<T>> {
        match self {
            Err(Stop::Failed(code)) if code == expected => Ok(None),
            other => other.map(Some),
        }
    }
}
