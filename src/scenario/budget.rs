//! Whether a scenario asks for more than ZooKeeper promises.

use super::Scenario;
use crate::sim::action::Who;
use crate::sim::disk::{DiskFault, Failing};
use crate::sim::{Action, BudgetRow, FAILED_FSYNC_FORGOTTEN, FORCE_SYNC_OFF, budget_row};

/// Something in a scenario that is beyond the fault budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// The action as text, or several that are too much together, or the setting.
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
        for excess in unforced.into_iter().chain(steps).chain(self.forgotten_failures()) {
            if !found.contains(&excess) {
                found.push(excess);
            }
        }
        found
    }

    /// Servers whose fsync fails, that crash some time after it, and lose power some time after that. Whether the server had the time to
    /// cut its log back in between, no file can tell.
    fn forgotten_failures(&self) -> impl Iterator<Item = Excess> {
        let failing = |action: &Action| match action {
            Action::Disk { who, fault: DiskFault::Fail { what: Failing::Fsync, .. } } => Some(*who),
            _ => None,
        };
        let after = |at: usize, wanted: Action| self.steps.iter().skip(at).position(|step| step.action == wanted).map(|more| at + more);
        let forgotten = move |at: usize, who: Who| {
            let crash = after(at, Action::Crash(who))?;
            after(crash, Action::PowerLoss(who))?;
            let what = format!("{}, then crash {who}, then power-loss {who}", self.steps[at].action);
            Some(Excess { what, row: FAILED_FSYNC_FORGOTTEN })
        };
        self.steps.iter().enumerate().filter_map(move |(at, step)| forgotten(at, failing(&step.action)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(steps: &[&str]) -> Vec<String> {
        let steps: Vec<String> = (1..).zip(steps).map(|(at, step)| format!(r#"{{ "at": "{at}ms", "do": "{step}" }}"#)).collect();
        let text = format!(r#"{{ "title": "t", "ensemble": {{ "servers": 3 }}, "run": "1s", "expect": {{}}, "steps": [ {} ] }}"#, steps.join(", "));
        let scenario = Scenario::read(text.as_bytes()).expect("a scenario");
        scenario.beyond_budget().into_iter().map(|excess| excess.what).collect()
    }

    #[test]
    fn a_failed_fsync_must_not_be_forgotten_before_the_power_goes() {
        let together = ["disk s1 fail-fsync", "crash s1", "restart s1", "power-loss s1"];
        assert_eq!(told(&together), ["disk s1 fail-fsync, then crash s1, then power-loss s1"]);
        assert_eq!(told(&["disk s1 fail-fsync", "crash s2", "power-loss s1"]), [""; 0]);
        assert_eq!(told(&["crash s1", "restart s1", "disk s1 fail-fsync", "power-loss s1"]), [""; 0]);
    }

    #[test]
    fn a_wiped_disk_is_beyond_and_told_once() {
        assert_eq!(told(&["crash s1", "wipe s1", "wipe s1"]), ["wipe s1"]);
    }
}
