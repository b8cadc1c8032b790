//! Where a run is in the steps of its scenario, and what the next one waits for.

use std::collections::BTreeMap;

use super::replies::{Asked, Replies};
use super::{Repeat, Step, Trigger};
use crate::proto::{Micros, NodeId};
use crate::sim::Action;
use crate::trace::Event;

/// A cursor through the steps; they fire in file order.
#[derive(Clone, Debug)]
pub struct Cursor {
    steps: Vec<Step>,
    /// The step that is waited for.
    next: usize,
    /// Times it has fired, when it repeats.
    times: u32,
    /// When the last step fired; events are counted from then.
    since: Micros,
    /// Matches of the awaited event since then.
    matches: u32,
    /// The awaited event or answer came: the step is due at once.
    is_due: bool,
    replies: Replies,
    outcomes: Vec<StepOutcome>,
    /// The event of each firing, and the step that fired.
    firings: Vec<(u64, usize)>,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// Its turn has not come, or what it waits for did not happen.
    NotFired,
    /// It was optional, and the time of the next step came first.
    Skipped,
    Fired,
    /// It fired and changed nothing, and this is why.
    DidNotApply(String),
}

/// When the next step fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Now,
    /// Not before this time.
    At(Micros),
    /// After an event, or never: there may be no step left.
    Event,
}

impl Cursor {
    pub fn new(steps: Vec<Step>) -> Cursor {
        let outcomes = vec![StepOutcome::NotFired; steps.len()];
        Cursor {
            steps,
            next: 0,
            times: 0,
            since: Micros::ZERO,
            matches: 0,
            is_due: false,
            replies: Replies::default(),
            outcomes,
            firings: Vec::new(),
        }
    }

    /// When the next step fires, as seen at `now`.
    #[inline]
    pub fn due(&mut self, now: Micros) -> Due {
        // Most of a long run comes after its last step.
        if self.is_done() { Due::Event } else { self.next_due(now) }
    }

    /// Whether no step is left.
    #[inline]
    pub fn is_done(&self) -> bool {
        self.next >= self.steps.len()
    }

    fn next_due(&mut self, now: Micros) -> Due {
        self.skip_overtaken(now);
        let Some(step) = self.steps.get(self.next) else {
            return Due::Event;
        };
        let at = match (self.times, step.repeat, &step.trigger) {
            (1.., Some(Repeat { every: Some(every), .. }), _) => self.since + every,
            (_, _, Trigger::At(at)) => *at,
            (_, _, Trigger::After(after)) => self.since + *after,
            (_, _, Trigger::When(_) | Trigger::Reply) if self.is_due => now,
            (_, _, Trigger::When(_) | Trigger::Reply) => return Due::Event,
        };
        if at <= now { Due::Now } else { Due::At(at) }
    }

    /// An optional step that still waits for its event gives way to a next step whose time has come.
    fn skip_overtaken(&mut self, now: Micros) {
        while let [step, following, ..] = &self.steps[self.next.min(self.steps.len())..] {
            let waits = matches!(step.trigger, Trigger::When(_) | Trigger::Reply) && !self.is_due && step.optional;
            if !waits || !matches!(following.trigger, Trigger::At(at) if at <= now) {
                return;
            }
            if self.times == 0 {
                self.outcomes[self.next] = StepOutcome::Skipped;
            }
            self.turn_to_next();
        }
    }

    /// The action of the step that is due.
    pub fn action(&self) -> &Action {
        &self.steps[self.next].action
    }

    /// The step that was due has fired; `event` is the record of its action.
    pub fn fired(&mut self, now: Micros, event: u64, applied: Result<(), String>) {
        self.firings.push((event, self.next));
        self.replies.on_fired(event, self.next);
        let outcome = match applied {
            Ok(()) => StepOutcome::Fired,
            Err(why) => StepOutcome::DidNotApply(why),
        };
        // Of a step that repeats, one firing that took effect is enough.
        if self.outcomes[self.next] != StepOutcome::Fired {
            self.outcomes[self.next] = outcome;
        }
        self.times += 1;
        self.since = now;
        self.matches = 0;
        self.is_due = false;
        if self.times >= self.steps[self.next].repeat.map_or(1, |repeat| repeat.times) {
            self.turn_to_next();
        }
    }

    fn turn_to_next(&mut self) {
        self.next += 1;
        self.times = 0;
        self.matches = 0;
        self.is_due = false;
    }

    /// Events are counted from the firing of the previous step.
    #[inline]
    pub fn observe(&mut self, event: &Event) {
        // Only clients are asked and answer.
        let is_answer = matches!(event.node, Some(NodeId::Client(_))) && self.replies.observe(event);
        match self.steps.get(self.next).map(|step| &step.trigger) {
            Some(Trigger::When(pattern)) if pattern.matches(event) => {
                self.matches += 1;
                self.is_due |= self.matches == pattern.nth;
            }
            Some(Trigger::Reply) => self.is_due |= is_answer,
            _ => {}
        }
    }

    /// What clients were asked by a step, by its position, in the order of asking.
    pub fn asked(&self, step: usize) -> impl Iterator<Item = &Asked> {
        self.replies.of(step)
    }

    /// What the author says about the actions that were carried out, by the event of each.
    pub fn notes(&self) -> BTreeMap<u64, String> {
        self.firings.iter().filter_map(|(event, step)| self.steps[*step].note.clone().map(|note| (*event, note))).collect()
    }

    /// Every step with what became of it.
    pub fn outcomes(&self) -> impl Iterator<Item = (&Step, &StepOutcome)> {
        self.steps.iter().zip(&self.outcomes)
    }

    /// Steps that fired and took effect.
    pub fn steps_fired(&self) -> u32 {
        self.outcomes.iter().filter(|outcome| **outcome == StepOutcome::Fired).count() as u32
    }
}
