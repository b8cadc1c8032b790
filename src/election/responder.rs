//! What a server answers when it is asked for its vote (`electionAlg 0`), in every state.
//!
//! A thread of its own in ZooKeeper, on the UDP twin of the quorum port, for as long as the process lives: it reads the server's state at
//! the moment a request comes in. Source: `QuorumPeer.ResponderThread` of branch-3.4; election reference §7.1.

use crate::proto::{ElectionReply, ServerId, Vote, Zxid};

/// What the responder can read of its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Looking for a leader, with this vote for now.
    Looking(Vote),
    /// `None`: the state says LEADING, and the leader object is not made yet.
    Leading {
        last_proposed: Option<Zxid>,
    },
    /// `None`: the state says FOLLOWING, and the follower object is not made yet, as in the 100 ms after an election.
    Following {
        leader: ServerId,
        zxid: Option<Zxid>,
    },
    Observing,
}

/// The responder's memory: candidate and zxid of its last reply.
///
/// Every reply is built in one buffer that is never cleared, so what a state does not fill in is left over from the reply before; zeros in
/// the first one. For a new follower that is the zxid of its last vote, which does no harm: the count takes the largest. An observer repeats
/// a whole vote, but only those who list it as a voter ask it.
#[derive(Clone, Debug)]
pub struct Responder {
    leader: ServerId,
    zxid: Zxid,
}

impl Responder {
    /// The reply of server `me` to a request with this xid: there always is one, and it always repeats the xid.
    pub fn answer(&mut self, me: ServerId, xid: i32, standing: Standing) -> ElectionReply {
        let (leader, zxid) = match standing {
            Standing::Looking(vote) => (Some(vote.leader), Some(vote.zxid)),
            Standing::Leading { last_proposed } => (Some(me), last_proposed),
            Standing::Following { leader, zxid } => (Some(leader), zxid),
            // Observers keep out of elections, and answer nevertheless.
            Standing::Observing => (None, None),
        };
        self.leader = leader.unwrap_or(self.leader);
        self.zxid = zxid.unwrap_or(self.zxid);
        ElectionReply { xid, from: me, leader: self.leader, zxid: self.zxid }
    }
}

/// The buffer of a new process.
impl Default for Responder {
    fn default() -> Responder {
        Responder { leader: ServerId(0), zxid: Zxid::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Epoch;

    /// The states that s2 goes through in order, each asked once; expected are candidate and zxid of the reply.
    #[test]
    fn what_a_state_does_not_fill_in_is_left_over() {
        let looking = Standing::Looking(Vote { leader: ServerId(2), zxid: Zxid::new(1, 4), epoch: Epoch(-1) });
        let mut responder = Responder::default();
        for (xid, standing, leader, zxid) in [
            (1, Standing::Observing, 0, Zxid::ZERO),
            (2, looking, 2, Zxid::new(1, 4)),
            (3, Standing::Following { leader: ServerId(3), zxid: None }, 3, Zxid::new(1, 4)),
            (4, Standing::Following { leader: ServerId(3), zxid: Some(Zxid::new(2, 1)) }, 3, Zxid::new(2, 1)),
            (5, Standing::Observing, 3, Zxid::new(2, 1)),
            (6, Standing::Leading { last_proposed: None }, 2, Zxid::new(2, 1)),
            (7, Standing::Leading { last_proposed: Some(Zxid::new(3, 7)) }, 2, Zxid::new(3, 7)),
        ] {
            let expected = ElectionReply { xid, from: ServerId(2), leader: ServerId(leader), zxid };
            assert_eq!(responder.answer(ServerId(2), xid, standing), expected, "{standing:?}");
        }
    }
}
