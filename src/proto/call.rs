//! The numbers of calls: what a user asks of a client, and is answered in the end.

use super::Micros;

/// Who makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Somebody at the keyboard: a step of the scenario.
    User,
    /// A workload of the scenario, by its number, which makes the nodes that it needs.
    Preparation(u32),
    /// A request of a workload.
    Workload(u32),
    /// A request of a recipe that the client carries out.
    Recipe,
}

/// Bits of a call's number that count; those above them say who calls. Altogether 53: readers of JSON keep no more.
const COUNTER_BITS: u32 = 44;
const WORKLOAD_BITS: u32 = 8;

impl Caller {
    /// Workloads are numbered below this.
    pub const WORKLOADS_MAX: u32 = (1 << WORKLOAD_BITS) - 1;

    /// Who made the call of this number.
    pub const fn of(call: u64) -> Caller {
        let workload = (call >> COUNTER_BITS) as u32 & Caller::WORKLOADS_MAX;
        match (workload.checked_sub(1), call >> (COUNTER_BITS + WORKLOAD_BITS)) {
            (None, 0) => Caller::User,
            (None, _) => Caller::Recipe,
            (Some(workload), 0) => Caller::Workload(workload),
            (Some(workload), _) => Caller::Preparation(workload),
        }
    }

    /// Whether it is a workload, whatever it is at: what it does is many times the same.
    pub const fn is_workload(self) -> bool {
        matches!(self, Caller::Workload(_) | Caller::Preparation(_))
    }

    const fn number(self, count: u64) -> u64 {
        match self {
            Caller::User => count,
            Caller::Recipe => 1 << (COUNTER_BITS + WORKLOAD_BITS) | count,
            Caller::Workload(workload) => (workload as u64 + 1) << COUNTER_BITS | count,
            Caller::Preparation(workload) => 1 << (COUNTER_BITS + WORKLOAD_BITS) | (workload as u64 + 1) << COUNTER_BITS | count,
        }
    }
}

/// Counts the calls of one client. No number comes twice, not even in another life of its process.
#[derive(Clone, Debug)]
pub struct Calls(u64);

impl Calls {
    /// The counter of a process that starts at this time of its own clock: nobody makes more than one call a microsecond.
    pub fn from_boot(now: Micros) -> Calls {
        Calls(now.0)
    }

    pub fn next(&mut self, caller: Caller) -> u64 {
        self.0 += 1;
        caller.number(self.0)
    }
}

/// What sets a call apart from all others of its client, whoever makes them.
pub const fn count_of(call: u64) -> u64 {
    call & ((1 << COUNTER_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_who_calls() {
        let mut calls = Calls::from_boot(Micros(41));
        assert_eq!(calls.next(Caller::User), 42);
        for caller in [Caller::User, Caller::Recipe, Caller::Workload(0), Caller::Preparation(0), Caller::Workload(254), Caller::Preparation(254)] {
            let number = calls.next(caller);
            assert_eq!(Caller::of(number), caller);
            assert!(number < 1 << 53, "{caller:?}");
        }
        assert_eq!(count_of(calls.next(Caller::Workload(3))), 49);
    }
}
