//! What became of requests and sessions, by the kind of the last fault before: what a fault costs the clients.

use std::ops::AddAssign;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Counts over what happened behind faults of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Requests that a server carried out, or answered.
    pub acked: u64,
    /// Those that it refused.
    pub failed: u64,
    /// Those of which nobody knows.
    pub unknown: u64,
    /// Times a client came back into its session, and times it found it gone.
    pub sessions_kept: u64,
    pub sessions_lost: u64,
}

/// By the first word of the action (`crash`, `partition`), in the order in which they came; `none` is what was before any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByFault {
    kinds: Vec<(String, Outcomes)>,
    now: usize,
    /// In case that the action has no effect.
    before: usize,
}

/// The name of the time before any fault.
const BEFORE: &str = "none";

/// The end of a run is no fault: what comes behind it is asked by the run itself.
const THE_END: &str = "quiet";

impl Default for ByFault {
    fn default() -> ByFault {
        ByFault { kinds: vec![(BEFORE.into(), Outcomes::default())], now: 0, before: 0 }
    }
}

impl ByFault {
    /// Kinds with what happened behind them; without those behind which nothing did.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &Outcomes)> {
        let counts = |(kind, outcomes): &&(String, Outcomes)| *outcomes != Outcomes::default() && kind != THE_END;
        self.kinds.iter().filter(counts).map(|(kind, outcomes)| (kind.as_str(), outcomes))
    }

    /// Whether nothing happened behind any fault.
    pub fn is_empty(&self) -> bool {
        self.rows().all(|(kind, _)| kind == BEFORE)
    }

    #[cold]
    pub fn on_action(&mut self, action: &str) {
        let kind = action.split(' ').next().unwrap_or_default();
        self.before = self.now;
        self.now = self.index_of(kind);
    }

    /// The last action had no effect.
    #[cold]
    pub fn on_action_failed(&mut self) {
        self.now = self.before;
    }

    /// Where what happens now is counted.
    #[inline]
    pub fn current(&mut self) -> &mut Outcomes {
        &mut self.kinds[self.now].1
    }

    fn index_of(&mut self, kind: &str) -> usize {
        self.kinds.iter().position(|(known, _)| known == kind).unwrap_or_else(|| {
            self.kinds.push((kind.into(), Outcomes::default()));
            self.kinds.len() - 1
        })
    }
}

/// Of another run.
impl AddAssign<&ByFault> for ByFault {
    fn add_assign(&mut self, other: &ByFault) {
        for (kind, outcomes) in &other.kinds {
            let index = self.index_of(kind);
            let sum = &mut self.kinds[index].1;
            sum.acked += outcomes.acked;
            sum.failed += outcomes.failed;
            sum.unknown += outcomes.unknown;
            sum.sessions_kept += outcomes.sessions_kept;
            sum.sessions_lost += outcomes.sessions_lost;
        }
    }
}

impl Serialize for ByFault {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(None)?;
        for (kind, outcomes) in self.rows() {
            map.serialize_entry(kind, outcomes)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use crate::check::tests::Story;
    use crate::check::{Census, Outcomes};
    use crate::proto::{ServerId, SessionId, Zxid};
    use crate::trace::Note;

    #[test]
    fn outcomes_belong_to_the_last_fault_that_had_an_effect() {
        let returned = |call, result: &str, zxid| Note::Returned { call, result: result.into(), zxid };
        let zxid = Some(Zxid::new(1, 1));
        let connected = |renewed| Note::Connected { server: ServerId(1), session: SessionId(5), timeout: 4000, renewed };
        let mut story = Story::ensemble();
        story.client_notes(1, connected(false)).asks(1, 1).client_notes(1, returned(1, "Ok", zxid));
        story.action("crash s1").asks(1, 2).client_notes(1, returned(2, "ConnectionLoss", None)).client_notes(1, connected(true));
        story.action("cut s1 -> s9").action_fails("cut s1 -> s9").asks(1, 3).client_notes(1, returned(3, "NoNode", zxid));
        story.action("heal").client_notes(1, Note::SessionExpired { session: SessionId(5) });
        let mut census = Census::default();
        story.events.iter().for_each(|event| census.observe(event));
        let none = Outcomes::default();
        let expected = [
            ("none", Outcomes { acked: 1, ..none }),
            ("crash", Outcomes { failed: 1, unknown: 1, sessions_kept: 1, ..none }),
            ("heal", Outcomes { sessions_lost: 1, ..none }),
        ];
        assert!(census.by_fault.rows().eq(expected.iter().map(|(kind, outcomes)| (*kind, outcomes))), "{:?}", census.by_fault);
        let mut twice = census.by_fault.clone();
        twice += &census.by_fault;
        assert!(twice.rows().any(|(kind, outcomes)| kind == "crash" && outcomes.unknown == 2));
    }
}
