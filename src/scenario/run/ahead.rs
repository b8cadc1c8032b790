//! Many wake-ups, and only then a look at what they brought.
//!
//! The world and those who watch it are two programs, and taking turns at every wake-up each drives the other out of the processor's
//! instruction cache. Hardly anybody needs to see an event at once: a step that waits for one does, and whoever is to look at a disk as it is
//! then. As long as it is nobody's turn the world runs ahead. Should those who watch find that the run had ended by then, it starts again
//! from the beginning, the same run since scenario and seed are the same, and this time everybody looks at once.

use super::super::cursor::Due;
use super::{Phase, Run};
use crate::proto::Micros;
use crate::sim::Stepped;

/// Wake-ups at a time. Their events, about twice as many, are to fit the processor's first cache of data.
const WAKE_UPS: usize = 128;

impl Run {
    /// What a number of calls of [`Run::advance`] do, with the same run in the end. False when it is over.
    pub fn advance_far(&mut self) -> bool {
        let Some(before) = self.nobodys_turn_before() else { return self.advance() };
        let checks = &self.watch.checks;
        let stepped = self.world.run_ahead(before, WAKE_UPS, |event| checks.may_ask(event));
        self.look_back();
        match stepped {
            _ if self.phase == Phase::Over => self.start_again(),
            Stepped::Livelock => self.start_again(),
            Stepped::Fired => true,
            Stepped::Idle => self.advance(),
        }
    }

    /// Until when only the world itself can bring anything about.
    fn nobodys_turn_before(&mut self) -> Option<Micros> {
        if self.at_once || self.phase != Phase::Story {
            return None;
        }
        let end = self.scenario.run + Micros(1);
        match self.cursor.due(self.world.now()) {
            Due::Now => None,
            Due::At(at) => Some(at.min(end)),
            Due::Event => self.cursor.is_done().then_some(end),
        }
    }

    #[inline(never)]
    fn look_back(&mut self) {
        self.see_recorded(|phase| phase != Phase::Over);
    }

    #[cold]
    fn start_again(&mut self) -> bool {
        *self = Run { at_once: true, ..Run::new(self.scenario.clone(), self.options) };
        true
    }
}
