//! Work in a loop: how much, how fast, what.
//!
//! - `mix`: requests, each drawn from a mix. `rounds`: the same lines over and over.

mod mix;
mod rounds;

use std::sync::Arc;

pub use mix::{Act, Mix};
pub use rounds::Line;

use crate::actor::Cx;
use crate::proto::{Answer, Calls, Command, ErrorCode, Micros, RoundEnd, Timer};
use crate::trace::Note;
use mix::Mixing;
use rounds::Rounds;

/// What each of its clients does. Times are of the client's own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    pub name: Arc<str>,
    pub start: Micros,
    /// Nothing is begun from then on.
    pub until: Micros,
    /// How many requests each client makes, or rounds it goes; `None`: as many as there is time for.
    pub count: Option<u64>,
    /// Time between two of them, answered or not; `None`: each follows the answer to the one before. A round never begins before the last is over.
    pub every: Option<Micros>,
    pub work: Work,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    Mix(Mix),
    /// Lines, carried out one after the other; never empty.
    Rounds(Arc<[Line]>),
}

impl Work {
    /// Requests, and some of them are writes.
    pub fn has_writes(&self) -> bool {
        matches!(self, Work::Mix(mix) if mix.acts.iter().any(|(act, _)| act.is_write()))
    }

    pub const fn is_rounds(&self) -> bool {
        matches!(self, Work::Rounds(_))
    }
}

/// A workload as one client carries it out.
#[derive(Clone, Debug)]
pub struct Running {
    /// Its number in the scenario.
    pub number: u32,
    load: Arc<Workload>,
    /// When the next one is due, if the pace is fixed.
    due: Micros,
    begun: u64,
    results: Results,
    /// Its user closed the client.
    is_stopped: bool,
    is_reported: bool,
    working: Working,
}

/// How far it has come.
#[derive(Clone, Debug)]
enum Working {
    Mix(Mixing),
    Rounds(Rounds),
}

#[derive(Clone, Copy, Debug, Default)]
struct Results {
    acked: u64,
    failed: u64,
    unknown: u64,
}

impl Results {
    fn count(&mut self, end: RoundEnd) {
        *match end {
            RoundEnd::Acked => &mut self.acked,
            RoundEnd::Failed => &mut self.failed,
            RoundEnd::Unknown => &mut self.unknown,
        } += 1;
    }
}

/// What became of a request: a refusal is one only if a server gave it.
fn end_of(result: &Result<Answer, ErrorCode>, answered: bool) -> RoundEnd {
    match result {
        Ok(Answer::RolledBack(_)) => RoundEnd::Failed,
        Ok(_) => RoundEnd::Acked,
        Err(_) if answered => RoundEnd::Failed,
        Err(_) => RoundEnd::Unknown,
    }
}

impl Running {
    pub fn new(cx: &mut Cx, number: u32, load: Arc<Workload>) -> Running {
        let working = match &load.work {
            Work::Mix(mix) => Working::Mix(Mixing::new(cx, number, mix)),
            Work::Rounds(lines) => Working::Rounds(Rounds::new(number, lines.clone())),
        };
        let (due, results) = (load.start, Results::default());
        Running { number, due, begun: 0, results, is_stopped: false, is_reported: false, working, load }
    }

    /// What to do next, if it is time for something.
    pub fn next(&mut self, cx: &mut Cx, calls: &mut Calls) -> Option<(u64, Command)> {
        let is_time = cx.now >= self.load.start && !self.has_begun_all(cx.now);
        match &mut self.working {
            Working::Mix(mixing) => {
                if !is_time {
                    return None;
                }
                if !mixing.is_prepared() {
                    return mixing.prepare(calls).map(|(call, op)| (call, Command::Request(op)));
                }
                match self.load.every {
                    None if !mixing.is_idle() => return None,
                    Some(_) if self.due > cx.now => return None,
                    Some(every) => self.due = due_after(self.due, cx.now, every),
                    None => {}
                }
                self.begun += 1;
                let (call, op) = mixing.ask(calls);
                Some((call, Command::Request(op)))
            }
            Working::Rounds(_) => self.next_line(cx, calls),
        }
    }

    /// The next line of the round under way, or the first of another.
    #[cold]
    fn next_line(&mut self, cx: &mut Cx, calls: &mut Calls) -> Option<(u64, Command)> {
        loop {
            self.end_round(cx);
            let may_begin = cx.now >= self.due && !self.has_begun_all(cx.now);
            let Working::Rounds(rounds) = &mut self.working else { return None };
            if !rounds.is_idle() {
                return rounds.next(cx.now, calls);
            }
            if !may_begin {
                return None;
            }
            rounds.begin();
            self.begun += 1;
            self.due = due_after(self.due, cx.now, self.load.every.unwrap_or(rounds::BREATH));
        }
    }

    /// Counts the round that is over, if one is.
    fn end_round(&mut self, cx: &mut Cx) {
        let Working::Rounds(rounds) = &mut self.working else { return };
        if let Some(end) = rounds.finish(self.is_stopped) {
            self.results.count(end);
            cx.note(Note::RoundDone { workload: self.load.name.to_string(), end });
        }
    }

    /// One of its requests returned; `answered` when a server said so.
    pub fn on_returned(&mut self, call: u64, result: &Result<Answer, ErrorCode>, answered: bool) {
        match &mut self.working {
            Working::Mix(mixing) => {
                if mixing.on_returned(call, result.is_ok(), answered) {
                    self.results.count(end_of(result, answered));
                }
            }
            Working::Rounds(rounds) => rounds.on_returned(call, end_of(result, answered)),
        }
    }

    /// One of its recipes has come to its end.
    #[cold]
    pub fn on_recipe_returned(&mut self, call: u64, end: RoundEnd) {
        if let Working::Rounds(rounds) = &mut self.working {
            rounds.on_returned(call, end);
        }
    }

    /// The session is over: a round that relies on it comes to nothing.
    pub fn on_session_over(&mut self) {
        if let Working::Rounds(rounds) = &mut self.working {
            rounds.give_up();
        }
    }

    /// Nothing more is asked.
    pub fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// Whether it will ask no more and everything has returned.
    pub fn is_done(&self, now: Micros) -> bool {
        let is_idle = match &self.working {
            Working::Mix(mixing) => mixing.is_idle(),
            Working::Rounds(rounds) => rounds.is_idle(),
        };
        is_idle && self.has_begun_all(now)
    }

    fn has_begun_all(&self, now: Micros) -> bool {
        let over = |time: Micros| time >= self.load.until;
        self.is_stopped || self.load.count == Some(self.begun) || over(now) || (self.load.every.is_some() && over(self.due))
    }

    /// When something comes by itself; may be past.
    fn wakes_at(&self, now: Micros) -> Option<Micros> {
        match &self.working {
            Working::Rounds(rounds) if !rounds.is_idle() => rounds.sleeps_until(),
            _ if self.has_begun_all(now) => None,
            Working::Rounds(_) => Some(self.due),
            Working::Mix(_) if now < self.load.start => Some(self.load.start),
            Working::Mix(_) => self.load.every.map(|_| self.due),
        }
    }

    /// Sets the timer for what comes next by itself, and says once when the last answer has come.
    pub fn settle(&mut self, cx: &mut Cx) {
        self.end_round(cx);
        if let Some(at) = self.wakes_at(cx.now).filter(|at| *at > cx.now) {
            cx.arm(Timer::Workload(self.number), at - cx.now);
        }
        if self.is_done(cx.now) && !self.is_reported {
            self.is_reported = true;
            let Results { acked, failed, unknown } = self.results;
            cx.note(Note::WorkloadDone { workload: self.load.name.to_string(), acked, failed, unknown });
        }
    }
}

/// What would have been begun while there was no session is not made up for.
fn due_after(due: Micros, now: Micros, every: Micros) -> Micros {
    let next = due + every;
    if next > now { next } else { now + every }
}
