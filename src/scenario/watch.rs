//! Everything that reads the events of a run, and who needs to see which.

use super::Scenario;
use super::judge::Sightings;
use super::results::Results;
use crate::check::{Census, Checks, Liveness};
use crate::proto::{Config, Packet, QuorumKind};
use crate::trace::{Event, Note, Record, What};

/// See the module. The checks are shown each event by whoever wants their verdict.
#[derive(Clone, Debug)]
pub struct Watch {
    pub checks: Checks,
    pub liveness: Liveness,
    pub census: Census,
    pub sightings: Sightings,
    pub results: Results,
}

impl Watch {
    pub fn new(scenario: &Scenario, config: &Config) -> Watch {
        let liveness = match scenario.recover_within {
            Some(bound) => Liveness::within(config, bound),
            None => Liveness::new(config),
        };
        Watch {
            checks: Checks::new(config),
            liveness,
            census: Census::default(),
            sightings: Sightings::new(&scenario.expect),
            results: Results::new(&scenario.workloads),
        }
    }

    /// Shows an event to those whom it concerns. What happens in the `story` of a scenario is held against its expectations, too.
    ///
    /// Nearly all events of a busy run are the steps that each transaction takes on each server, and concern nobody here.
    #[inline]
    pub fn observe(&mut self, event: &Event, story: bool) {
        if story {
            self.sightings.match_patterns(event);
        }
        if is_for_checks_alone(event) {
            return;
        }
        match &event.what {
            What::Note(Note::LogSynced { .. } | Note::Proposed { .. }) => self.census.observe(event),
            What::Note(Note::Committed { .. }) => {
                self.census.observe(event);
                self.liveness.observe(event);
            }
            What::Note(Note::Called { .. } | Note::Returned { .. }) => {
                self.census.observe(event);
                self.results.observe(event);
            }
            _ => self.observe_by_everybody(event, story),
        }
    }

    /// What [`Watch::observe`] does, by showing the event to everybody.
    #[cold]
    #[inline(never)]
    fn observe_by_everybody(&mut self, event: &Event, story: bool) {
        self.census.observe(event);
        self.liveness.observe(event);
        self.results.observe(event);
        if story {
            self.sightings.observe(event);
        }
    }
}

/// One of the steps that each transaction takes on each server, or an answer to a client, which tells of it itself.
#[inline]
fn is_for_checks_alone(event: &Event) -> bool {
    match &event.what {
        What::Note(note) => matches!(note, Note::Applied { .. } | Note::Appended { .. }),
        What::Record(Record::Sent { packet, .. }) => {
            matches!(
                packet,
                Packet::Quorum { kind: QuorumKind::Ack, .. } | Packet::ClientRequest(_) | Packet::ClientReply(_) | Packet::WatcherEvent(_)
            )
        }
        What::Record(record) => matches!(record, Record::DiskStarted { .. } | Record::DiskDone { .. }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::scenario::{Run, RunOptions};

    /// Writers, a crash, an expectation, and every event kept.
    #[test]
    fn who_is_passed_over_would_have_learnt_nothing() {
        let text = r#"{ "title": "writers", "ensemble": { "servers": 3, "observers": 1 }, "clients": { "c1": {}, "c2": {} },
            "workloads": { "w": { "clients": 2, "keys": 3, "mix": { "set": 3, "get": 1, "create": 1, "delete": 1 }, "optional": true } },
            "steps": [ { "at": "3s", "do": "crash leader" }, { "at": "5s", "do": "restart s3" } ], "run": "8s",
            "expect": { "saw": ["applied", "s1 sent #3"], "not_saw": ["storage_failed"] } }"#;
        let scenario = Arc::new(Scenario::read(text.as_bytes()).expect("a good scenario"));
        let (_, events) = Run::new(scenario.clone(), RunOptions { keep_events: true, ..RunOptions::default() }).finish();
        let config = &scenario.ensemble.config;
        let (mut routed, mut shown_to_all) = (Watch::new(&scenario, config), Watch::new(&scenario, config));
        for event in &events {
            routed.observe(event, true);
            shown_to_all.sightings.match_patterns(event);
            shown_to_all.observe_by_everybody(event, true);
            assert_eq!(routed.census.counts, shown_to_all.census.counts, "{event}");
        }
        assert!(routed.census.counts.writes_acked > 0);
        assert_eq!(format!("{routed:?}"), format!("{shown_to_all:?}"));
    }
}
