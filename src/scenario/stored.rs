//! A stored trace, judged again. It brings scenario and seed along, and its events are text: so the run is run again, held against what is
//! stored, and then everything of it is known, the answers of servers in full.

use std::fmt;
use std::sync::Arc;

use super::{BEHAVIOUR, Report, Run, RunOptions, Scenario};
use crate::check::Operations;
use crate::trace::{Entry, StoredEvent, StoredTrace};

/// The one change of a scenario that a stored trace may tell of.
const NO_BUGS: &str = "--no-bugs";

/// What a stored trace is a trace of.
#[derive(Clone, Debug)]
pub struct Again {
    pub report: Report,
    /// What clients asked and were told, the log, and what the checks find in them.
    pub history: Operations,
}

/// Why a stored trace cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAgain {
    /// Another version made it, which may rightly tell another story.
    OtherBehaviour { then: u32, now: u32 },
    /// Its header tells of a change that is not known.
    UnknownChange(String),
    /// Its scenario cannot be read.
    BadScenario(String),
    /// This event of it is not what happens.
    Parted { event: u64 },
}

impl StoredTrace {
    /// Runs it again. It may be a part of a run: what is there must be so.
    pub fn again(&self) -> Result<Again, NotAgain> {
        let header = &self.header;
        if header.behaviour != BEHAVIOUR {
            return Err(NotAgain::OtherBehaviour { then: header.behaviour, now: BEHAVIOUR });
        }
        if let Some(unknown) = header.overrides.iter().find(|word| *word != NO_BUGS) {
            return Err(NotAgain::UnknownChange(unknown.clone()));
        }
        let read = Scenario::read(header.scenario.as_bytes());
        let scenario = read.map_err(|problems| NotAgain::BadScenario(problems.first().map(|problem| problem.message.clone()).unwrap_or_default()))?;
        let options = RunOptions { seed: Some(header.seed), no_bugs: !header.overrides.is_empty(), keep_events: true, unwatched: false };
        let (report, events) = Run::new(Arc::new(scenario.clone()), options).finish();
        let happens = |stored: &&StoredEvent| {
            let index = events.partition_point(|event| event.n < stored.n());
            events.get(index).is_some_and(|event| StoredEvent::from(event) == **stored)
        };
        if let Some(parted) = self.events.iter().find(|stored| !happens(stored)) {
            return Err(NotAgain::Parted { event: parted.n() });
        }
        Ok(Again { report, history: Operations::of(&scenario.ensemble.config, &events) })
    }
}

impl fmt::Display for NotAgain {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            NotAgain::OtherBehaviour { then, now } => {
                write!(out, "it has behaviour {then}, and this version has {now}: it may rightly tell another story")
            }
            NotAgain::UnknownChange(word) => write!(out, "its header has a change that is not known: `{word}`"),
            NotAgain::BadScenario(why) => write!(out, "its scenario cannot be read: {why}"),
            NotAgain::Parted { event } => write!(out, "its event {event} is not what happens"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;
    use crate::proto::Op;
    use crate::trace::{Header, store};

    const TEXT: &str = r#"{ "title": "two writers", "ensemble": { "servers": 3 }, "clients": { "c1": { "connect": "s1" } },
        "steps": [ { "when": "c1 connected", "do": "c1 create /a x" }, { "after": "reply", "do": "c1 set /a y" }, { "after": "reply", "do": "c1 get /a" } ],
        "run": "3s", "expect": {} }"#;

    fn stored(change: impl Fn(&mut Header)) -> StoredTrace {
        let scenario = Arc::new(Scenario::read(TEXT.as_bytes()).expect("a good scenario"));
        let (_, events) = Run::new(scenario, RunOptions { seed: Some(5), keep_events: true, ..RunOptions::default() }).finish();
        let mut header = Header {
            behaviour: BEHAVIOUR,
            file: "x.json".into(),
            scenario: TEXT.into(),
            seed: 5,
            overrides: vec![],
            filter: vec!["--node=c1".into()],
        };
        change(&mut header);
        let part = events.iter().filter(|event| event.node.is_some_and(|node| node.to_string() == "c1"));
        StoredTrace::read(&store(&header, part)).expect("a good trace")
    }

    #[test]
    fn a_stored_trace_gives_operations_and_log() {
        let again = stored(|_| {}).again().expect("it is the same run");
        assert_eq!((again.report.verdict, again.history.violation), (Verdict::Pass, None));
        let mine: Vec<_> = again.history.operations.iter().filter(|operation| operation.client == 1).collect();
        assert!(matches!(mine[..], [create, set, get] if create.op.is_write() && set.zxid > create.zxid && matches!(get.op, Op::GetData { .. })));
        assert!(mine.iter().all(|operation| operation.returned.is_some_and(|event| event > operation.called)));
        let written = |operation: &&&crate::check::Operation| again.history.log.iter().any(|logged| Some(logged.proposal.zxid()) == operation.zxid);
        assert_eq!(mine.iter().filter(written).count(), 3, "the read shows the last write");
    }

    #[test]
    fn another_run_is_not_judged() {
        assert_eq!(
            stored(|header| header.behaviour += 1).again().expect_err("it is newer"),
            NotAgain::OtherBehaviour { then: BEHAVIOUR + 1, now: BEHAVIOUR }
        );
        assert!(matches!(stored(|header| header.seed = 6).again(), Err(NotAgain::Parted { .. })));
        assert!(matches!(stored(|header| header.overrides = vec!["--twice".into()]).again(), Err(NotAgain::UnknownChange(_))));
        assert!(matches!(stored(|header| header.scenario = "{".into()).again(), Err(NotAgain::BadScenario(_))));
    }
}
