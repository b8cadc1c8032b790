//! A node's own clocks: monotonic with drift, wall with offset and jumps.

use crate::proto::Micros;

const MILLION: i128 = 1_000_000;

/// Maps virtual time to what the node's clocks show.
///
/// The monotonic clock (`System.nanoTime`) starts at zero with the run and only drifts. The wall clock (`System.currentTimeMillis`)
/// is the monotonic one plus an offset that may jump. ZooKeeper's timers use the former, its transaction times the latter.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Parts per million by which it runs fast (positive) or slow; above -1,000,000.
    drift_ppm: i32,
    /// Virtual and own time at which the drift last changed.
    since: (Micros, Micros),
    /// Wall minus monotonic, in microseconds; may be negative.
    offset: i64,
}

impl Clock {
    pub fn new(offset: i64, drift_ppm: i32) -> Clock {
        Clock { drift_ppm: drift_ppm.max(1 - MILLION as i32), since: (Micros::ZERO, Micros::ZERO), offset }
    }

    fn pace(&self) -> i128 {
        MILLION + i128::from(self.drift_ppm)
    }

    /// What the monotonic clock shows at virtual time `now`.
    #[inline]
    pub fn monotonic(&self, now: Micros) -> Micros {
        if self.drift_ppm == 0 {
            return Micros(self.since.1.0 + (now.0 - self.since.0.0));
        }
        let elapsed = i128::from(now.0 - self.since.0.0) * self.pace() / MILLION;
        Micros(self.since.1.0.saturating_add(elapsed as u64))
    }

    /// What the wall clock shows at virtual time `now`; never before zero.
    pub fn wall(&self, now: Micros) -> Micros {
        Micros(self.monotonic(now).0.saturating_add_signed(self.offset))
    }

    /// The first virtual time at which the monotonic clock shows at least `own`; not before `now`.
    pub fn when(&self, own: Micros, now: Micros) -> Micros {
        let ahead = own.0.saturating_sub(self.since.1.0);
        if self.drift_ppm == 0 {
            return Micros(self.since.0.0.saturating_add(ahead)).max(now);
        }
        let elapsed = (i128::from(ahead) * MILLION + self.pace() - 1) / self.pace();
        Micros(self.since.0.0.saturating_add(elapsed as u64)).max(now)
    }

    /// From virtual time `now` on it drifts by `ppm`; what it shows does not jump.
    pub fn set_drift(&mut self, now: Micros, ppm: i32) {
        self.since = (now, self.monotonic(now));
        self.drift_ppm = ppm.max(1 - MILLION as i32);
    }

    /// The wall clock jumps by `by` microseconds.
    pub fn jump(&mut self, by: i64) {
        self.offset = self.offset.saturating_add(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drift_bends_time_and_when_is_its_inverse() {
        for ppm in [0, 200, -200, 500_000, -500_000] {
            let mut clock = Clock::new(0, ppm);
            clock.set_drift(Micros(1_000_003), ppm / 2);
            for own in [2_500_000, 3_000_001, 77_777_777] {
                let at = clock.when(Micros(own), Micros::ZERO);
                assert!(clock.monotonic(at).0 >= own, "drift {ppm}");
                assert!(clock.monotonic(at - Micros(1)).0 < own, "drift {ppm}");
            }
        }
        assert_eq!(Clock::new(0, 1_000_000).monotonic(Micros(10)), Micros(20));
    }

    #[test]
    fn only_the_wall_clock_jumps() {
        let mut clock = Clock::new(5, 0);
        clock.jump(-3);
        assert_eq!((clock.monotonic(Micros(10)), clock.wall(Micros(10))), (Micros(10), Micros(12)));
    }
}
