//! Which server is tried next. Source: `StaticHostProvider`.

use std::collections::VecDeque;

use crate::actor::Cx;
use crate::proto::{Membership, ServerId};

/// The connect string of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hosts {
    /// Every server of the ensemble, in an order that is drawn, as the Java client does.
    #[default]
    Any,
    /// Every server of the ensemble, round by id from this one on.
    From(ServerId),
    /// These and no others, in this order. Never empty.
    Only(Vec<ServerId>),
}

/// A client's way round its servers.
#[derive(Clone, Debug)]
pub struct HostProvider {
    /// The next one first; whoever is tried goes to the back.
    round: VecDeque<ServerId>,
    /// Where a round ends: at the server that was connected last, at first at the first. `None` before the first attempt.
    last: Option<ServerId>,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    pub server: ServerId,
    /// All others have been tried in vain since it was tried itself: the client rests first.
    pub comes_round: bool,
}

impl HostProvider {
    pub fn new(cx: &mut Cx, hosts: &Hosts, members: &Membership) -> HostProvider {
        let mut round: VecDeque<ServerId> = members.members.keys().copied().collect();
        match hosts {
            Hosts::Any => shuffle(cx, round.make_contiguous()),
            Hosts::From(first) => match round.iter().position(|id| id == first) {
                Some(at) => round.rotate_left(at),
                // No member, or not yet.
                None => round.push_front(*first),
            },
            Hosts::Only(listed) => round = listed.iter().copied().collect(),
        }
        HostProvider { round, last: None }
    }

    /// Before there is a way round: a client that has not started.
    pub fn nowhere() -> HostProvider {
        HostProvider { round: VecDeque::new(), last: None }
    }

    /// How many servers there are.
    pub fn count(&self) -> u64 {
        self.round.len() as u64
    }

    pub fn next(&mut self) -> Turn {
        let server = *self.round.front().expect("a connect string names somebody");
        self.round.rotate_left(1);
        let comes_round = self.last == Some(server);
        self.last.get_or_insert(server);
        Turn { server, comes_round }
    }

    /// A session is up on `server`, which was tried last.
    pub fn on_connected(&mut self, server: ServerId) {
        self.last = Some(server);
    }

    /// `server` is tried next, without a rest.
    pub fn put_first(&mut self, server: ServerId) {
        match self.round.iter().position(|id| *id == server) {
            Some(at) => self.round.rotate_left(at),
            None => self.round.push_front(server),
        }
        self.last = self.last.filter(|last| *last != server);
    }
}

/// Every order is as likely as any other (Fisher and Yates).
fn shuffle(cx: &mut Cx, servers: &mut [ServerId]) {
    for end in (1..servers.len()).rev() {
        servers.swap(end, cx.draw_below(end as u64 + 1) as usize);
    }
}
