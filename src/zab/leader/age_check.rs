//! How long a learner has owed an acknowledgement. Source: `LearnerHandler.SyncLimitCheck`; zab reference §6.

use crate::proto::{Micros, Zxid};

/// Follows one proposal and the newest one after it, and no others: what a learner acknowledges in order needs no more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AgeCheck {
    /// From the ACK of NEWLEADER on.
    is_started: bool,
    current: Option<(Zxid, Micros)>,
    next: Option<(Zxid, Micros)>,
}

impl AgeCheck {
    pub fn start(&mut self) {
        self.is_started = true;
    }

    /// A proposal is written to the learner.
    pub fn on_proposal(&mut self, zxid: Zxid, now: Micros) {
        match self.current {
            _ if !self.is_started => {}
            None => self.current = Some((zxid, now)),
            Some(_) => self.next = Some((zxid, now)),
        }
    }

    pub fn on_ack(&mut self, zxid: Zxid) {
        let is = |of: Option<(Zxid, Micros)>| of.is_some_and(|(it, _)| it == zxid);
        if is(self.current) {
            self.current = self.next.take();
        } else if is(self.next) {
            self.next = None;
        }
    }

    /// The proposal that is unacknowledged for `limit` or longer, and its age.
    pub fn overdue(&self, now: Micros, limit: Micros) -> Option<(Zxid, Micros)> {
        self.current.map(|(zxid, since)| (zxid, now - since)).filter(|(_, age)| *age >= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_follows_the_oldest() {
        let zxid = |counter| Zxid::new(1, counter);
        let limit = Micros(100);
        let mut check = AgeCheck::default();
        check.on_proposal(zxid(1), Micros(0));
        assert_eq!(check.overdue(Micros(500), limit), None, "not started");
        check.start();
        (2..=4).for_each(|counter| check.on_proposal(zxid(counter), Micros(u64::from(counter) * 10)));
        check.on_ack(zxid(3));
        assert_eq!(check.overdue(Micros(119), limit), None);
        assert_eq!(check.overdue(Micros(120), limit), Some((zxid(2), Micros(100))));
        check.on_ack(zxid(2));
        assert_eq!(check.overdue(Micros(140), limit), Some((zxid(4), Micros(100))), "3 is forgotten");
        check.on_ack(zxid(4));
        assert_eq!(check.overdue(Micros(9_000), limit), None);
    }
}
