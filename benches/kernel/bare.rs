//! The toy workload as a bare loop: a heap of messages, one random generator, a running digest, and nothing that a testbed needs.
//!
//! No connections, no order within them, no links, no processes, no causes: the practical upper bound of a scheduler.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::toy::{CLIENTS, FOLLOWERS, Tally, client_of};

const LEADER: u8 = 0;
/// Followers are nodes 1 to 4, clients the five after them.
const FIRST_CLIENT: u8 = 1 + FOLLOWERS as u8;

const DELAY_LOW_MICROS: u64 = 1_000;
const DELAY_HIGH_MICROS: u64 = 10_000;

#[derive(Clone, Copy)]
enum Kind {
    Request,
    Proposal,
    Ack,
    Reply,
    Commit,
}

#[derive(Clone)]
enum Actor {
    Leader(Tally),
    Follower,
    Client,
}

struct Message {
    at: u64,
    seq: u64,
    number: u64,
    from: u8,
    to: u8,
    kind: Kind,
}

impl PartialEq for Message {
    fn eq(&self, other: &Message) -> bool {
        self.seq == other.seq
    }
}

impl Eq for Message {}

impl PartialOrd for Message {
    fn partial_cmp(&self, other: &Message) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reversed: the heap gives the greatest first.
impl Ord for Message {
    fn cmp(&self, other: &Message) -> Ordering {
        (other.at, other.seq).cmp(&(self.at, self.seq))
    }
}

pub struct Loop {
    now: u64,
    seq: u64,
    heap: BinaryHeap<Message>,
    rng: ChaCha8Rng,
    actors: Vec<Actor>,
    digest: u64,
}

impl Loop {
    pub fn new(seed: u64) -> Loop {
        let mut actors = vec![Actor::Leader(Tally::default())];
        actors.resize(usize::from(FIRST_CLIENT), Actor::Follower);
        actors.resize(usize::from(FIRST_CLIENT) + CLIENTS as usize, Actor::Client);
        let mut pattern = Loop { now: 0, seq: 0, heap: BinaryHeap::new(), rng: ChaCha8Rng::seed_from_u64(seed), actors, digest: 0 };
        for client in 0..CLIENTS {
            pattern.send(FIRST_CLIENT + client as u8, LEADER, Kind::Request, CLIENTS + client);
        }
        pattern
    }

    pub fn run(&mut self, messages: u64) {
        for _ in 0..messages {
            let message = self.heap.pop().expect("the workload never runs dry");
            self.now = message.at;
            for word in [message.at, u64::from(message.from) | u64::from(message.to) << 8 | (message.kind as u64) << 16, message.number] {
                self.digest = (self.digest.rotate_left(29) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            }
            self.deliver(&message);
        }
    }

    fn deliver(&mut self, message: &Message) {
        let Message { number, from, to, .. } = *message;
        match (&mut self.actors[usize::from(to)], message.kind) {
            (Actor::Leader(tally), Kind::Request) => {
                tally.propose(number);
                (1..FIRST_CLIENT).for_each(|follower| self.send(LEADER, follower, Kind::Proposal, number));
            }
            (Actor::Leader(tally), Kind::Ack) => {
                let committed = tally.ack(number);
                if committed {
                    self.send(LEADER, FIRST_CLIENT + client_of(number) as u8, Kind::Reply, number);
                    (1..FIRST_CLIENT).for_each(|follower| self.send(LEADER, follower, Kind::Commit, number));
                }
            }
            (Actor::Follower, Kind::Proposal) => self.send(to, from, Kind::Ack, number),
            (Actor::Client, Kind::Reply) => self.send(to, from, Kind::Request, number + CLIENTS),
            _ => {}
        }
    }

    fn send(&mut self, from: u8, to: u8, kind: Kind, number: u64) {
        let width = DELAY_HIGH_MICROS - DELAY_LOW_MICROS + 1;
        let delay = DELAY_LOW_MICROS + ((u128::from(self.rng.next_u64()) * u128::from(width)) >> 64) as u64;
        self.seq += 1;
        self.heap.push(Message { at: self.now + delay, seq: self.seq, number, from, to, kind });
    }

    pub fn requests(&self) -> u64 {
        match &self.actors[usize::from(LEADER)] {
            Actor::Leader(tally) => tally.committed,
            _ => unreachable!("the first actor leads"),
        }
    }

    pub fn digest(&self) -> u64 {
        self.digest
    }
}
