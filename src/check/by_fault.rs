//! What became of requests and sessions, by the kind of the last fault before: what a fault costs the clients.

use std::ops::AddAssign;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::proto::Micros;

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
    /// Times a leader was established, and the longest it took from the fault to the first of them.
    pub leaders: u64,
    pub to_leader: Micros,
    /// Faults behind which something was committed, and the longest it took until then.
    pub commits: u64,
    pub to_commit: Micros,
}

/// By the first word of the action (`crash`, `partition`), in the order in which they came; `none` is what was before any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByFault {
    kinds: Vec<(String, Outcomes)>,
    now: usize,
    /// When it was.
    since: Micros,
    /// Nobody leads since, and nothing was committed.
    awaits_leader: bool,
    awaits_commit: bool,
    /// All that as it was, in case that the action has no effect.
    before: (usize, Micros, bool, bool),
}

/// The name of the time before any fault.
const BEFORE: &str = "none";

/// The end of a run is no fault: what comes behind it is asked by the run itself.
const THE_END: &str = "quiet";

impl Default for ByFault {
    fn default() -> ByFault {
        let kinds = vec![(BEFORE.into(), Outcomes::default())];
        ByFault { kinds, now: 0, since: Micros::ZERO, awaits_leader: true, awaits_commit: true, before: (0, Micros::ZERO, true, true) }
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
    pub fn on_action(&mut self, action: &str, at: Micros) {
        let kind = action.split(' ').next().unwrap_or_default();
        self.before = (self.now, self.since, self.awaits_leader, self.awaits_commit);
        self.now = self.index_of(kind);
        (self.since, self.awaits_leader, self.awaits_commit) = (at, true, true);
    }

    /// A leader is established.
    #[cold]
    pub fn on_established(&mut self, at: Micros) {
        let took = if std::mem::take(&mut self.awaits_leader) { at.saturating_sub(self.since) } else { Micros::ZERO };
        let outcomes = self.current();
        outcomes.leaders += 1;
        outcomes.to_leader = outcomes.to_leader.max(took);
    }

    /// Something is committed.
    #[inline]
    pub fn on_committed(&mut self, at: Micros) {
        if self.awaits_commit {
            self.on_first_commit(at);
        }
    }

    #[cold]
    fn on_first_commit(&mut self, at: Micros) {
        self.awaits_commit = false;
        let took = at.saturating_sub(self.since);
        let outcomes = self.current();
        outcomes.commits += 1;
        outcomes.to_commit = outcomes.to_commit.max(took);
    }

    /// The last action had no effect.
    #[cold]
    pub fn on_action_failed(&mut self) {
        (self.now, self.since, self.awaits_leader, self.awaits_commit) = self.before;
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
            sum.leaders += outcomes.leaders;
            sum.to_leader = sum.to_leader.max(outcomes.to_leader);
            sum.commits += outcomes.commits;
            sum.to_commit = sum.to_commit.max(outcomes.to_commit);
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
    use crate::proto::{Micros, ServerId, SessionId, Zxid};
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
            ("none", Outcomes { acked: 1, leaders: 1, to_leader: Micros::from_millis(20), ..none }),
            ("crash", Outcomes { failed: 1, unknown: 1, sessions_kept: 1, ..none }),
            ("heal", Outcomes { sessions_lost: 1, ..none }),
        ];
        assert!(census.by_fault.rows().eq(expected.iter().map(|(kind, outcomes)| (*kind, outcomes))), "{:?}", census.by_fault);
        // What a fault is followed by: the first leader, and the first commit.
        story.action("crash s3").establishes(2, 2, &[1, 2]).establishes(2, 3, &[1, 2]).proposes(2, (3, 1)).commits(2, (3, 1), &[1]);
        let mut later = Census::default();
        story.events.iter().for_each(|event| later.observe(event));
        let crash = later.by_fault.rows().find(|(kind, _)| *kind == "crash").expect("there were two").1;
        assert_eq!((crash.leaders, crash.to_leader), (2, Micros::from_millis(1)));
        assert_eq!((crash.commits, crash.to_commit), (1, Micros::from_millis(4)));
        let mut twice = census.by_fault.clone();
        twice += &census.by_fault;
        assert!(twice.rows().any(|(kind, outcomes)| kind == "crash" && outcomes.unknown == 2));
    }
}
