//! Whether a scenario asks for more than ZooKeeper promises.

use super::Scenario;
use crate::sim::{BudgetRow, FORCE_SYNC_OFF, budget_row};

/// Something in a scenario that is beyond the fault budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// The action as text, or the setting.
    pub what: String,
    pub row: &'static BudgetRow,
}

impl Scenario {
    /// What leaves the fault budget, each once, settings first and then in the order of the steps.
    pub fn beyond_budget(&self) -> Vec<Excess> {
        let unforced = (!self.ensemble.config.force_sync).then(|| Excess { what: FORCE_SYNC_OFF.faults.into(), row: FORCE_SYNC_OFF });
        let steps = self.steps.iter().filter_map(|step| {
            let row = budget_row(&step.action).filter(|row| !row.within)?;
            Some(Excess { what: step.action.to_string(), row })
        });
        let mut found: Vec<Excess> = Vec::new();
        for excess in unforced.into_iter().chain(steps) {
            if !found.contains(&excess) {
                found.push(excess);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wiped_disk_is_beyond_and_told_once() {
        let text = br#"{ "title": "t", "ensemble": { "servers": 3 }, "run": "1s", "expect": {},
            "steps": [ { "at": "1ms", "do": "crash s1" }, { "at": "2ms", "do": "wipe s1" }, { "at": "3ms", "do": "wipe s1" } ] }"#;
        let scenario = Scenario::read(text).expect("a scenario");
        let told: Vec<String> = scenario.beyond_budget().into_iter().map(|excess| excess.what).collect();
        assert_eq!(told, ["wipe s1"]);
    }
}
