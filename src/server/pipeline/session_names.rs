//! Ids and passwords of sessions. Source: `SessionTrackerImpl.initializeNextSessionId`, `ZooKeeperServer.generatePasswd`; sessions
//! reference §1.

use crate::proto::{Micros, ServerId, SessionId};

/// `ZooKeeperServer.superSecret`.
const SUPER_SECRET: i64 = 0xB341_5C00;

/// Numbers the sessions that one server creates while it serves.
#[derive(Clone, Debug)]
pub struct SessionIds {
    next: i64,
}

impl SessionIds {
    /// The server in the top byte, then 40 bits of its monotonic clock in milliseconds, then 16 bits to count with.
    pub fn new(me: ServerId, now: Micros) -> SessionIds {
        let millis = now.0 / 1_000;
        SessionIds { next: ((millis << 24) >> 8) as i64 | me.0 << 56 }
    }

    pub fn next(&mut self) -> SessionId {
        self.next += 1;
        SessionId(self.next - 1)
    }
}

/// Every server knows it from the id: a checksum rather than a secret.
pub fn password(session: SessionId) -> [u8; 16] {
    let mut random = JavaRandom::new(session.0 ^ SUPER_SECRET);
    let mut bytes = [0; 16];
    for four in bytes.chunks_exact_mut(4) {
        four.copy_from_slice(&random.next_int().to_le_bytes());
    }
    bytes
}

/// `java.util.Random`: a linear congruential generator of 48 bits.
struct JavaRandom(i64);

impl JavaRandom {
    const MULTIPLIER: i64 = 0x5_DEEC_E66D;
    const MASK: i64 = (1 << 48) - 1;

    fn new(seed: i64) -> JavaRandom {
        JavaRandom((seed ^ JavaRandom::MULTIPLIER) & JavaRandom::MASK)
    }

    fn next_int(&mut self) -> i32 {
        self.0 = self.0.wrapping_mul(JavaRandom::MULTIPLIER).wrapping_add(0xb) & JavaRandom::MASK;
        (self.0 >> 16) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_server_time_and_number() {
        let mut ids = SessionIds::new(ServerId(3), Micros(0x12_3456 * 1_000 + 999));
        assert_eq!(ids.next().to_string(), "0x300001234560000");
        assert_eq!(ids.next().to_string(), "0x300001234560001");
        // Servers from 128 on make negative ids, as in Java; only 40 bits of the time are used.
        let mut ids = SessionIds::new(ServerId(200), Micros((1 << 40) * 1_000 + 1_000));
        assert_eq!(ids.next().to_string(), "0xc800000000010000");
    }

    /// The first numbers that `new java.util.Random(42)` gives, and with 16 of its bytes the password of a session.
    #[test]
    fn passwords_are_those_of_java() {
        let mut random = JavaRandom::new(42);
        assert_eq!([random.next_int(), random.next_int()], [-1_170_105_035, 234_785_527]);
        let (one, other) = (password(SessionId(0x1000_0000_0000_0000)), password(SessionId(0x1000_0000_0000_0001)));
        assert_eq!(one, password(SessionId(0x1000_0000_0000_0000)));
        assert_ne!(one, other);
        assert_eq!(password(SessionId(42 ^ SUPER_SECRET))[..4], (-1_170_105_035_i32).to_le_bytes());
    }
}
