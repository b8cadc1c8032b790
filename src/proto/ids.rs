//! Names of servers, epochs, rounds and transactions. ZooKeeper says "epoch" for several things; a type of its own for each keeps them apart.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A server of the ensemble (`myid`), 1 or more. Written `s3`.
///
/// ZooKeeper uses `Long.MIN_VALUE` for "votes for nobody" (observers): [`ServerId::NOBODY`], written `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub i64);

impl ServerId {
    pub const NOBODY: ServerId = ServerId(i64::MIN);

    /// Reads the text form `s3`.
    pub fn parse(text: &str) -> Option<ServerId> {
        if text == "-" {
            return Some(ServerId::NOBODY);
        }
        text.strip_prefix('s')?.parse().ok().filter(|id| *id > 0).map(ServerId)
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        if *self == ServerId::NOBODY { out.pad("-") } else { out.pad(&format!("s{}", self.0)) }
    }
}

/// A participant of a run: a server (`s1`) or a client (`c1`). A scenario's clients begin with `c1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeId {
    Server(ServerId),
    Client(u32),
}

impl NodeId {
    /// The id of server `number`.
    pub const fn server(number: i64) -> NodeId {
        NodeId::Server(ServerId(number))
    }

    /// Reads the text form `s1` or `c1`.
    pub fn parse(text: &str) -> Option<NodeId> {
        match text.strip_prefix('c') {
            Some(number) => number.parse().ok().map(NodeId::Client),
            None => ServerId::parse(text).filter(|id| *id != ServerId::NOBODY).map(NodeId::Server),
        }
    }

    /// One 64-bit value for the digest; servers and clients never share one.
    pub fn word(self) -> u64 {
        match self {
            NodeId::Server(id) => id.0 as u64,
            NodeId::Client(id) => 1 << 63 | u64::from(id),
        }
    }

    /// The server's id, `None` for a client.
    pub fn as_server(self) -> Option<ServerId> {
        match self {
            NodeId::Server(id) => Some(id),
            NodeId::Client(_) => None,
        }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            NodeId::Server(id) => id.fmt(out),
            NodeId::Client(id) => out.pad(&format!("c{id}")),
        }
    }
}

/// A transaction id: the leader's epoch in the high 32 bits, a counter in the low 32. Written `4:10` (both decimal).
///
/// `-1` ([`Zxid::UNTRUSTED`], written `-1`) marks a database that is not trusted (storage reference §6);
/// `Long.MIN_VALUE` ([`Zxid::NONE`], written `-`) is an observer's vote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zxid(pub i64);

impl Zxid {
    pub const ZERO: Zxid = Zxid(0);
    pub const UNTRUSTED: Zxid = Zxid(-1);
    pub const NONE: Zxid = Zxid(i64::MIN);

    pub const fn new(epoch: u32, counter: u32) -> Zxid {
        Zxid(((epoch as i64) << 32) | counter as i64)
    }

    /// The epoch half (`zxid >> 32`).
    pub const fn epoch(self) -> Epoch {
        Epoch(self.0 >> 32)
    }

    /// The counter half.
    pub const fn counter(self) -> u32 {
        self.0 as u32
    }

    /// Reads `4:10` or `-1`.
    pub fn parse(text: &str) -> Option<Zxid> {
        match text {
            "-1" => return Some(Zxid::UNTRUSTED),
            "-" => return Some(Zxid::NONE),
            _ => {}
        }
        let (epoch, counter) = text.split_once(':')?;
        let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten();
        number(epoch).filter(|epoch| *epoch <= i32::MAX as u32).zip(number(counter)).map(|(epoch, counter)| Zxid::new(epoch, counter))
    }
}

impl fmt::Display for Zxid {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Zxid::UNTRUSTED => out.pad("-1"),
            Zxid::NONE => out.pad("-"),
            _ => out.pad(&format!("{}:{}", self.epoch().0, self.counter())),
        }
    }
}

/// The epoch of a leader: `acceptedEpoch`, `currentEpoch`, a vote's `peerEpoch`, the high half of a zxid.
///
/// Zero before the first leader; an observer votes with [`Epoch::NONE`], written `-`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub i64);

impl Epoch {
    pub const NONE: Epoch = Epoch(i64::MIN);

    pub const fn next(self) -> Epoch {
        Epoch(self.0 + 1)
    }

    /// `(epoch, 0)`: the zxid an established leader starts from; no transaction has it.
    pub const fn first_zxid(self) -> Zxid {
        Zxid(self.0 << 32)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        if *self == Epoch::NONE { out.pad("-") } else { out.pad(&self.0.to_string()) }
    }
}

/// An election round (`logicalclock`, a vote's `electionEpoch`): counts elections of one process, not persisted, zero at boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Round(pub i64);

impl Round {
    pub const fn next(self) -> Round {
        Round(self.0 + 1)
    }
}

impl fmt::Display for Round {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(&self.0.to_string())
    }
}

/// A session. The top byte is the server that created it, zero is "none". Written in hexadecimal, as ZooKeeper logs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub i64);

impl SessionId {
    pub const NONE: SessionId = SessionId(0);

    /// Reads the text form `0x100000000000001`.
    pub fn parse(text: &str) -> Option<SessionId> {
        u64::from_str_radix(text.strip_prefix("0x")?, 16).ok().map(|id| SessionId(id as i64))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(&format!("{:#x}", self.0))
    }
}

/// Ids travel through traces in their text form, so that a trace reads as people speak.
macro_rules! serde_as_text {
    ($type:ty, $what:literal, $parse:expr) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                let text = String::deserialize(input)?;
                let parse: fn(&str) -> Option<$type> = $parse;
                parse(&text).ok_or_else(|| serde::de::Error::custom(format!(concat!("`{}` is not ", $what), text)))
            }
        }
    };
}

serde_as_text!(ServerId, "a server (s1)", ServerId::parse);
serde_as_text!(NodeId, "a node (s1, c1)", NodeId::parse);
serde_as_text!(SessionId, "a session (0x1)", SessionId::parse);
serde_as_text!(Zxid, "a zxid (4:10)", Zxid::parse);
serde_as_text!(Epoch, "an epoch", |text| if text == "-" { Some(Epoch::NONE) } else { text.parse().ok().map(Epoch) });
serde_as_text!(Round, "a round", |text| text.parse().ok().map(Round));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_read_back() {
        for zxid in [Zxid::new(4, 10), Zxid::ZERO, Zxid::UNTRUSTED, Zxid::NONE, Zxid::new(0x7fff_ffff, u32::MAX)] {
            assert_eq!(Zxid::parse(&zxid.to_string()), Some(zxid));
        }
        for text in ["4", "4:", ":4", "4:-1", "+4:1", "4294967296:0", "4:4294967296", "a:b"] {
            assert_eq!(Zxid::parse(text), None, "{text}");
        }
        assert_eq!(NodeId::parse("s3"), Some(NodeId::server(3)));
        assert_eq!(NodeId::parse("c2"), Some(NodeId::Client(2)));
        for text in ["s0", "s-1", "s", "x1", "c-1", "3", "-"] {
            assert_eq!(NodeId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn zxids_order_by_epoch_then_counter() {
        assert!(Zxid::new(2, 0) > Zxid::new(1, u32::MAX));
        assert_eq!(Epoch(3).first_zxid(), Zxid::new(3, 0));
    }
}
