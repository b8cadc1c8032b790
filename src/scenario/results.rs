//! What became of the requests of workloads, or of their rounds, as their clients tell it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::WorkloadPlan;
use crate::check::UnderWay;
use crate::proto::{Caller, ErrorCode, RoundEnd};
use crate::trace::{Event, Note};

/// Counts over all clients of one workload. What it does to prepare itself is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WorkloadResults {
    /// Requests that a server carried out, with those that only read; or rounds all lines of which came to what they should.
    pub acked: u64,
    /// Writes among them; rounds are none.
    pub writes_acked: u64,
    /// Requests that a server refused; rounds in which something was refused.
    pub failed: u64,
    /// Requests that no server answered; rounds of which something is unknown.
    pub unknown: u64,
}

/// Counts as the run goes on.
#[derive(Clone, Debug)]
pub struct Results {
    /// By the number of the workload.
    counts: Vec<(String, WorkloadResults)>,
    /// By the same number, whether it goes rounds.
    rounds: Vec<bool>,
    /// Writes that are not answered yet.
    writes: UnderWay,
}

impl Results {
    pub fn new(workloads: &BTreeMap<String, WorkloadPlan>) -> Results {
        Results {
            counts: workloads.keys().map(|name| (name.clone(), WorkloadResults::default())).collect(),
            rounds: workloads.values().map(|plan| plan.load.work.is_rounds()).collect(),
            writes: UnderWay::default(),
        }
    }

    pub fn observe(&mut self, event: &Event) {
        let (Some(note), Some(client)) = (event.note(), event.node) else { return };
        match note {
            Note::Called { call, op } if matches!(Caller::of(*call), Caller::Workload(_)) && op.0.is_write() => self.writes.begin(client, *call),
            Note::Returned { call, result, zxid } => {
                let Caller::Workload(number) = Caller::of(*call) else { return };
                if self.rounds[number as usize] {
                    return;
                }
                let is_write = self.writes.end(client, *call);
                let (_, counts) = &mut self.counts[number as usize];
                match zxid {
                    None => counts.unknown += 1,
                    Some(_) if is_error(result) => counts.failed += 1,
                    Some(_) => {
                        counts.acked += 1;
                        counts.writes_acked += u64::from(is_write);
                    }
                }
            }
            Note::RoundDone { workload, end } => {
                let Some((_, counts)) = self.counts.iter_mut().find(|(name, _)| name == workload) else { return };
                *match end {
                    RoundEnd::Acked => &mut counts.acked,
                    RoundEnd::Failed => &mut counts.failed,
                    RoundEnd::Unknown => &mut counts.unknown,
                } += 1;
            }
            _ => {}
        }
    }

    /// By the name of the workload.
    pub fn by_name(&self) -> BTreeMap<String, WorkloadResults> {
        self.counts.iter().cloned().collect()
    }
}

/// Whether a result is the name of an error. No data that a workload writes is.
fn is_error(result: &str) -> bool {
    result != "Ok" && ErrorCode::ALL.iter().any(|code| code.name() == result)
}
