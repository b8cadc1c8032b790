//! When sessions expire: deadlines rounded up to whole ticks, so that whole buckets of sessions expire at once. Source: `ExpiryQueue`;
//! sessions reference §4.

use std::collections::{BTreeMap, BTreeSet};

use crate::proto::{Micros, SessionId};

/// The end of the interval after the one that `time` lies in: later than `time`, by at most `interval`. Source: `roundToNextInterval`.
pub fn next_interval(time: Micros, interval: Micros) -> Micros {
    Micros((time.0 / interval.0 + 1) * interval.0)
}

/// Sessions by deadline, on the server's own monotonic clock.
#[derive(Clone, Debug)]
pub struct ExpiryQueue {
    /// `tickTime`.
    interval: Micros,
    /// The deadline of the bucket that expires next, empty or not: a multiple of the interval.
    next: Micros,
    /// No empty bucket; none older than `next`, except for sessions that a clock running backwards would put there.
    buckets: BTreeMap<Micros, BTreeSet<SessionId>>,
}

impl ExpiryQueue {
    pub fn new(now: Micros, interval: Micros) -> ExpiryQueue {
        ExpiryQueue { interval, next: next_interval(now, interval), buckets: BTreeMap::new() }
    }

    /// The deadline of a session that was heard from now.
    pub fn deadline(&self, now: Micros, timeout: Micros) -> Micros {
        next_interval(now + timeout, self.interval)
    }

    pub fn insert(&mut self, session: SessionId, deadline: Micros) {
        self.buckets.entry(deadline).or_default().insert(session);
    }

    pub fn remove(&mut self, session: SessionId, deadline: Micros) {
        if let Some(bucket) = self.buckets.get_mut(&deadline) {
            bucket.remove(&session);
            if bucket.is_empty() {
                self.buckets.remove(&deadline);
            }
        }
    }

    /// The next bucket, empty or not, if its time has come. After a pause there may be several.
    pub fn poll(&mut self, now: Micros) -> Option<BTreeSet<SessionId>> {
        if now < self.next {
            return None;
        }
        let expired = self.buckets.remove(&self.next).unwrap_or_default();
        self.next += self.interval;
        Some(expired)
    }

    /// How long until the next bucket's time comes.
    pub fn wait(&self, now: Micros) -> Micros {
        self.next.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Micros = Micros::from_millis(200);

    const fn ms(millis: u64) -> Micros {
        Micros::from_millis(millis)
    }

    #[test]
    fn deadlines_are_later_than_the_timeout_by_up_to_a_tick() {
        let queue = ExpiryQueue::new(ms(50), TICK);
        for (now, timeout, deadline) in [
            (ms(0), ms(400), ms(600)),
            (ms(1), ms(400), ms(600)),
            (Micros(199_999), ms(400), ms(600)),
            (ms(200), ms(400), ms(800)),
            (ms(0), ms(0), ms(200)),
            (ms(130), ms(470), ms(800)),
        ] {
            assert_eq!(queue.deadline(now, timeout), deadline, "heard at {now}, timeout {timeout}");
        }
    }

    #[test]
    fn buckets_come_one_by_one_and_are_made_up_for_after_a_pause() {
        let (one, two, three) = (SessionId(1), SessionId(2), SessionId(3));
        let mut queue = ExpiryQueue::new(ms(50), TICK);
        assert_eq!(queue.wait(ms(50)), ms(150), "the first boundary after the start");
        queue.insert(one, ms(400));
        queue.insert(two, ms(400));
        queue.insert(three, ms(800));
        assert_eq!(queue.poll(Micros(199_999)), None);
        assert_eq!(queue.poll(ms(200)), Some(BTreeSet::new()));
        assert_eq!(queue.poll(ms(200)), None, "each bucket once");
        queue.remove(two, ms(400));
        assert_eq!(queue.poll(ms(850)), Some([one].into()));
        assert_eq!(queue.wait(ms(850)), Micros::ZERO, "the next bucket is overdue");
        assert_eq!(queue.poll(ms(850)), Some(BTreeSet::new()));
        assert_eq!(queue.poll(ms(850)), Some([three].into()));
        assert_eq!(queue.wait(ms(850)), ms(150));
    }
}
