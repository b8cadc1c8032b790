//! Faults between the requests of a transcript that no answer may depend on: servers crash and come back, others lead, messages take their time.
//! Sessions live on: their clients find another server and register again what they had.

use super::driver::{Driver, Halt};
use super::ensemble::{SERVERS, servers};
use crate::proto::{Micros, NodeId, ServerId, Span};
use crate::sim::action::{Who, Whom};
use crate::sim::{Action, Stream};

/// Latency of one message.
pub const LINK: Span = Span::new(Micros::from_millis(1), Micros::from_millis(50));

/// One request in so many has a fault before it.
const FAULT_EVERY: u64 = 6;

/// How long a server stays down: less than an election takes, or more.
const DOWN: Span = Span::new(Micros::ZERO, Micros::from_secs(2));

/// Draws what happens before the next request.
#[derive(Clone, Debug)]
pub struct Shaker {
    stream: Stream,
}

impl Shaker {
    pub fn new(seed: u64) -> Shaker {
        Shaker { stream: Stream::named(seed, "shake") }
    }

    /// Perhaps a server crashes, every other time the one that leads. Afterwards all serve, and whoever had a connection has one to the same server.
    pub fn shake(&mut self, driver: &mut Driver) -> Result<(), Halt> {
        if self.stream.below(FAULT_EVERY) != 0 {
            return Ok(());
        }
        let present = driver.present();
        let victim = self.victim(driver.ensemble.leader());
        let crashed = Who::Node(NodeId::Server(victim));
        driver.ensemble.inject(&Action::Crash(crashed))?;
        driver.ensemble.run(self.stream.within(DOWN))?;
        // Clients find another server while theirs is down, or wait for it.
        if self.stream.chance(500_000) {
            driver.ensemble.wait_until_a_majority_serves()?;
            driver.find_servers(&present, self.host())?;
        }
        driver.ensemble.inject(&Action::Restart(Whom::One(crashed)))?;
        driver.ensemble.wait_until_all_serve()?;
        driver.go_home(&present)
    }

    fn victim(&mut self, leader: Option<ServerId>) -> ServerId {
        let others: Vec<ServerId> = servers().filter(|id| Some(*id) != leader).collect();
        let other = others[self.stream.below(others.len() as u64) as usize];
        leader.filter(|_| self.stream.chance(500_000)).unwrap_or(other)
    }

    fn host(&mut self) -> usize {
        self.stream.below(SERVERS as u64) as usize
    }
}
