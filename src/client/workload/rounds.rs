//! The same lines over and over: requests and recipes, one after the other.

use std::sync::Arc;

use crate::proto::{Caller, Calls, Command, Micros, RoundEnd};

/// What a client does in a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Waits for the answer, whatever it is, before the next line.
    Told(Command),
    Sleep(Micros),
}

/// Without a pace of their own two rounds begin no closer than this, so that lines which ask nobody take time too.
pub const BREATH: Micros = Micros::from_millis(1);

/// Where a client stands in its rounds.
#[derive(Clone, Debug)]
pub struct Rounds {
    /// The workload's number in the scenario.
    number: u32,
    lines: Arc<[Line]>,
    round: Option<Round>,
}

/// A round under way.
#[derive(Clone, Debug)]
struct Round {
    /// The next line.
    at: usize,
    waits_for: WaitsFor,
    /// Of the lines so far, the worst.
    end: RoundEnd,
    /// No more lines are carried out.
    is_given_up: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WaitsFor {
    Nothing,
    Answer(u64),
    Time(Micros),
}

impl Rounds {
    pub fn new(number: u32, lines: Arc<[Line]>) -> Rounds {
        Rounds { number, lines, round: None }
    }

    /// Whether no round is under way.
    pub const fn is_idle(&self) -> bool {
        self.round.is_none()
    }

    pub fn begin(&mut self) {
        self.round = Some(Round { at: 0, waits_for: WaitsFor::Nothing, end: RoundEnd::Acked, is_given_up: false });
    }

    /// The end of the round, if no line of it is left.
    pub fn finish(&mut self, is_stopped: bool) -> Option<RoundEnd> {
        let lines = self.lines.len();
        let is_over = |round: &mut Round| match round.waits_for {
            WaitsFor::Answer(_) => false,
            _ if round.is_given_up || is_stopped => true,
            WaitsFor::Time(_) => false,
            WaitsFor::Nothing => round.at == lines,
        };
        let round = self.round.take_if(is_over)?;
        let is_whole = round.at == lines && round.waits_for == WaitsFor::Nothing;
        Some(if is_whole { round.end } else { RoundEnd::Unknown })
    }

    /// The next line that asks for something, if it is time for it. Sleeps begin here.
    pub fn next(&mut self, now: Micros, calls: &mut Calls) -> Option<(u64, Command)> {
        let round = self.round.as_mut()?;
        if matches!(round.waits_for, WaitsFor::Time(until) if until <= now) {
            round.waits_for = WaitsFor::Nothing;
        }
        let line = self.lines.get(round.at).filter(|_| round.waits_for == WaitsFor::Nothing)?;
        round.at += 1;
        match line {
            Line::Sleep(time) => {
                round.waits_for = WaitsFor::Time(now + *time);
                None
            }
            Line::Told(command) => {
                let call = calls.next(Caller::Workload(self.number));
                round.waits_for = WaitsFor::Answer(call);
                Some((call, command.clone()))
            }
        }
    }

    /// A line has come to its end. What follows is carried out whatever that was: a lock that may be held must be released.
    pub fn on_returned(&mut self, call: u64, end: RoundEnd) {
        if let Some(round) = self.round.as_mut().filter(|round| round.waits_for == WaitsFor::Answer(call)) {
            round.waits_for = WaitsFor::Nothing;
            round.end = round.end.max(end);
        }
    }

    /// The session that it relies on is over.
    pub fn give_up(&mut self) {
        self.round.iter_mut().for_each(|round| round.is_given_up = true);
    }

    pub fn sleeps_until(&self) -> Option<Micros> {
        match self.round.as_ref()?.waits_for {
            WaitsFor::Time(until) => Some(until),
            _ => None,
        }
    }
}
