//! Kernel records: what the world itself did. They, and only they, make the digest.

use std::fmt;

use serde::Serialize;

use crate::proto::{CloseReason, ConnId, DialError, DiskError, DiskOp, DiskTag, NodeId, Packet, Port, Stage, Timer, bytes_as_words};

/// One thing the world did at or for the event's node.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", content = "fields", rename_all = "snake_case")]
pub enum Record {
    /// The process starts; lives are counted from 1.
    Started {
        life: u32,
    },
    /// The process is gone; its page cache is not.
    Crashed,
    /// The machine is gone: what was not synced is lost, kept or torn.
    PowerLost {
        lost_bytes: u64,
        kept_bytes: u64,
        torn_files: u32,
        metadata_lost: u64,
    },
    /// The process ended itself.
    Exited {
        code: i32,
    },
    /// Inputs are held back until the node resumes.
    Paused,
    Resumed {
        held: u32,
    },

    /// A timer ran out.
    Timer {
        timer: Timer,
    },
    /// A stage takes the next item of its queue.
    Stage {
        stage: Stage,
    },

    Dialled {
        to: NodeId,
        port: Port,
    },
    DialFailed {
        to: NodeId,
        port: Port,
        why: DialError,
    },
    Accepted {
        from: NodeId,
        port: Port,
        conn: ConnId,
    },
    DialSucceeded {
        to: NodeId,
        port: Port,
        conn: ConnId,
    },
    Sent {
        to: NodeId,
        conn: ConnId,
        packet: Packet,
    },
    Delivered {
        from: NodeId,
        conn: ConnId,
        packet: Packet,
    },
    /// This side closed.
    Closed {
        peer: NodeId,
        conn: ConnId,
    },
    /// This side is told that the connection is over.
    Hungup {
        peer: NodeId,
        conn: ConnId,
        why: CloseReason,
    },
    /// Packets that were under way when the connection ended.
    TailLost {
        peer: NodeId,
        conn: ConnId,
        packets: u32,
    },
    WindowFull {
        peer: NodeId,
        conn: ConnId,
    },
    WindowOpen {
        peer: NodeId,
        conn: ConnId,
    },
    DatagramSent {
        to: NodeId,
        port: Port,
        packet: Packet,
    },
    DatagramDelivered {
        from: NodeId,
        port: Port,
        packet: Packet,
    },
    DatagramLost {
        to: NodeId,
        port: Port,
        packet: Packet,
    },

    DiskStarted {
        tag: DiskTag,
        op: DiskOp,
    },
    /// `error` is `None` when it succeeded.
    DiskDone {
        tag: DiskTag,
        error: Option<DiskError>,
    },

    /// A fault or a picked choice took effect.
    Action {
        action: String,
    },
    /// It could not.
    ActionFailed {
        action: String,
        why: String,
    },
    /// A time-limited fault ended by itself.
    ActionEnded {
        action: String,
    },
    /// The user of a client told it something.
    Command {
        command: String,
    },
}

/// The kinds of which not all are evidence, or none.
pub(super) const OTHER_RECORDS: [&str; 8] = ["timer", "stage", "dialled", "dial_failed", "window_full", "window_open", "sent", "delivered"];

/// The kinds that tell the story: what was done to the world from outside, and the ends of processes that nobody asked for.
pub(super) const HEADLINE_RECORDS: [&str; 5] = ["action", "action_failed", "action_ended", "power_lost", "exited"];

macro_rules! kinds {
    ($($number:literal $variant:ident { $($field:ident),* } $name:literal,)*) => {
        /// Every kind of kernel record: its name and its fields.
        pub const RECORD_KINDS: &[(&str, &[&str])] = &[$(($name, &[$(stringify!($field)),*])),*];

        impl Record {
            /// The snake_case name of the kind, as in the trace.
            pub fn kind(&self) -> &'static str {
                match self { $(Record::$variant { $($field: _),* } => $name),* }
            }

            /// The number of the kind in the digest; never given to another kind.
            pub const fn number(&self) -> u16 {
                match self { $(Record::$variant { .. } => $number),* }
            }
        }
    };
}

kinds! {
    1 Started { life } "started",
    2 Crashed {} "crashed",
    3 PowerLost { lost_bytes, kept_bytes, torn_files, metadata_lost } "power_lost",
    4 Exited { code } "exited",
    5 Paused {} "paused",
    6 Resumed { held } "resumed",
    7 Timer { timer } "timer",
    8 Stage { stage } "stage",
    9 Dialled { to, port } "dialled",
    10 DialFailed { to, port, why } "dial_failed",
    11 Accepted { from, port, conn } "accepted",
    12 DialSucceeded { to, port, conn } "dial_succeeded",
    13 Sent { to, conn, packet } "sent",
    14 Delivered { from, conn, packet } "delivered",
    15 Closed { peer, conn } "closed",
    16 Hungup { peer, conn, why } "hungup",
    17 TailLost { peer, conn, packets } "tail_lost",
    18 WindowFull { peer, conn } "window_full",
    19 WindowOpen { peer, conn } "window_open",
    20 DatagramSent { to, port, packet } "datagram_sent",
    21 DatagramDelivered { from, port, packet } "datagram_delivered",
    22 DatagramLost { to, port, packet } "datagram_lost",
    23 DiskStarted { tag, op } "disk_started",
    24 DiskDone { tag, error } "disk_done",
    25 Action { action } "action",
    26 ActionFailed { action, why } "action_failed",
    27 ActionEnded { action } "action_ended",
    28 Command { command } "command",
}

impl Record {
    /// [`Record::number`] of [`Record::Sent`]. Nearly all records are this one or the next: the kernel adds them to the digest without building
    /// them.
    pub const SENT: u16 = 13;
    /// [`Record::number`] of [`Record::Delivered`].
    pub const DELIVERED: u16 = 14;

    /// Whether it belongs to the story: what happened to processes and links, rather than to single messages.
    pub fn is_story(&self) -> bool {
        use Record as R;
        matches!(
            self,
            R::Started { .. }
                | R::Crashed
                | R::PowerLost { .. }
                | R::Exited { .. }
                | R::Paused
                | R::Resumed { .. }
                | R::Action { .. }
                | R::ActionFailed { .. }
                | R::ActionEnded { .. }
                | R::Command { .. }
        )
    }

    /// Whether those who watch a run look at it: the checks, statistics, liveness. Left out is what is frequent and tells them nothing.
    #[inline]
    pub fn is_evidence(&self) -> bool {
        use Record as R;
        match self {
            R::Timer { .. } | R::Stage { .. } | R::Dialled { .. } | R::DialFailed { .. } | R::WindowFull { .. } | R::WindowOpen { .. } => false,
            R::Sent { packet, .. } => packet.is_evidence(true),
            R::Delivered { packet, .. } => packet.is_evidence(false),
            _ => true,
        }
    }

    /// Whether it is shown in a story: less than what is kept for one, since an action says what it did to whom.
    pub fn is_headline(&self) -> bool {
        HEADLINE_RECORDS.contains(&self.kind())
    }

    /// The packet it is about, for those that are about one.
    pub fn packet(&self) -> Option<&Packet> {
        match self {
            Record::Sent { packet, .. } | Record::Delivered { packet, .. } => Some(packet),
            Record::DatagramSent { packet, .. } | Record::DatagramDelivered { packet, .. } | Record::DatagramLost { packet, .. } => Some(packet),
            _ => None,
        }
    }

    /// Feeds what happened to `word` as plain 64-bit values, for the digest, after [`Record::number`].
    pub fn words(&self, mut word: impl FnMut(u64)) {
        match self {
            Record::Started { life } => word(u64::from(*life)),
            Record::PowerLost { lost_bytes, kept_bytes, torn_files, metadata_lost } => {
                words_of(word, [*lost_bytes, *kept_bytes, u64::from(*torn_files), *metadata_lost]);
            }
            Record::Exited { code } => word(*code as u64),
            Record::Crashed | Record::Paused => {}
            Record::Resumed { held } => word(u64::from(*held)),
            Record::Timer { timer } => timer.words(word),
            Record::Stage { stage } => stage.words(word),
            Record::Dialled { to, port } => words_of(word, [to.word(), *port as u64]),
            Record::DialFailed { to, port, why } => words_of(word, [to.word(), *port as u64, *why as u64]),
            Record::Accepted { from, port, conn } => words_of(word, [from.word(), *port as u64, conn.word()]),
            Record::DialSucceeded { to, port, conn } => words_of(word, [to.word(), *port as u64, conn.word()]),
            // Whom a connection leads to was told when it came up.
            Record::Sent { conn, packet, .. } => {
                word(conn.word());
                packet_words(packet, word);
            }
            // What arrives is what was sent: in order, each packet once. So only the time is new.
            Record::Delivered { conn, .. } => word(conn.word()),
            Record::Closed { peer, conn } => words_of(word, [peer.word(), conn.word()]),
            Record::Hungup { peer, conn, why } => words_of(word, [peer.word(), conn.word(), *why as u64]),
            Record::TailLost { peer, conn, packets } => words_of(word, [peer.word(), conn.word(), u64::from(*packets)]),
            Record::WindowFull { peer, conn } => words_of(word, [peer.word(), conn.word()]),
            Record::WindowOpen { peer, conn } => words_of(word, [peer.word(), conn.word()]),
            Record::DatagramSent { to, port, packet } => datagram_words(*to, *port, packet, word),
            Record::DatagramDelivered { from, port, packet } => datagram_words(*from, *port, packet, word),
            Record::DatagramLost { to, port, packet } => datagram_words(*to, *port, packet, word),
            Record::DiskStarted { tag, op } => {
                tag.words(&mut word);
                op.words(word);
            }
            Record::DiskDone { tag, error } => {
                word(error.map_or(0, |error| 1 + error as u64));
                tag.words(word);
            }
            // Actions and commands have a canonical text of their own, so their bytes are as good as fields.
            Record::Action { action: text } | Record::ActionFailed { action: text, .. } | Record::ActionEnded { action: text } => {
                bytes_as_words(text.as_bytes(), word);
            }
            Record::Command { command } => bytes_as_words(command.as_bytes(), word),
        }
    }
}

fn words_of<const N: usize>(mut word: impl FnMut(u64), words: [u64; N]) {
    words.into_iter().for_each(&mut word);
}

fn datagram_words(peer: NodeId, port: Port, packet: &Packet, mut word: impl FnMut(u64)) {
    words_of(&mut word, [peer.word(), port as u64]);
    packet_words(packet, word);
}

fn packet_words(packet: &Packet, mut word: impl FnMut(u64)) {
    words_of(&mut word, packet.head_words());
    packet.tail_words(word);
}

impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Record::Started { life: 1 } => write!(out, "process starts"),
            Record::Started { life } => write!(out, "process starts, life {life}"),
            Record::Crashed => write!(out, "process crashes"),
            Record::PowerLost { lost_bytes, kept_bytes, torn_files, metadata_lost } => {
                let counts = [
                    (*lost_bytes, "unsynced bytes lost"),
                    (*kept_bytes, "unsynced bytes kept"),
                    (u64::from(*torn_files), "files torn"),
                    (*metadata_lost, "renames and the like undone"),
                ];
                let told: Vec<String> = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
                if told.is_empty() { write!(out, "loses power; its disk keeps all it had") } else { write!(out, "loses power: {}", told.join(", ")) }
            }
            Record::Exited { code } => write!(out, "process exits with code {code}"),
            Record::Paused => write!(out, "pauses"),
            Record::Resumed { held } => write!(out, "resumes, {held} inputs waited"),
            Record::Timer { timer } => write!(out, "timer {timer}"),
            Record::Stage { stage } => write!(out, "stage {stage}"),
            Record::Dialled { to, port } => write!(out, "dials {to} ({port} port)"),
            Record::DialFailed { to, port, why: DialError::Refused } => write!(out, "is refused by {to} ({port} port)"),
            Record::DialFailed { to, port, why: DialError::TimedOut } => write!(out, "gets no answer from {to} ({port} port)"),
            Record::Accepted { from, port, conn } => write!(out, "accepts {from} ({port} port) on {conn}"),
            Record::DialSucceeded { to, port, conn } => write!(out, "is connected to {to} ({port} port) on {conn}"),
            Record::Sent { to, packet, .. } => write!(out, "-> {to} {packet}"),
            Record::Delivered { from, packet, .. } => write!(out, "<- {from} {packet}"),
            Record::Closed { peer, conn } => write!(out, "closes {conn} with {peer}"),
            Record::Hungup { peer, conn, why } => write!(out, "is told that {conn} with {peer} is over: {why}"),
            Record::TailLost { peer, conn, packets } => write!(out, "{packets} packets to {peer} on {conn} are lost with the connection"),
            Record::WindowFull { peer, conn } => write!(out, "blocks writing to {peer} on {conn}"),
            Record::WindowOpen { peer, conn } => write!(out, "may write to {peer} on {conn} again"),
            Record::DatagramSent { to, packet, .. } => write!(out, "-> {to} {packet} (datagram)"),
            Record::DatagramDelivered { from, packet, .. } => write!(out, "<- {from} {packet} (datagram)"),
            Record::DatagramLost { to, packet, .. } => write!(out, "-> {to} {packet} (datagram) is lost"),
            Record::DiskStarted { op, .. } => write!(out, "disk: {op}"),
            Record::DiskDone { error: None, .. } => write!(out, "disk: done"),
            Record::DiskDone { error: Some(error), .. } => write!(out, "disk: {error}"),
            Record::Action { action } => write!(out, "{action}"),
            Record::ActionFailed { action, why } => write!(out, "{action} did not apply: {why}"),
            Record::ActionEnded { action } => write!(out, "{action}: time is up"),
            Record::Command { command } => write!(out, "is told: {command}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{QuorumKind, Zxid};

    /// The kernel adds these two without building them.
    #[test]
    fn sent_and_delivered_have_their_numbers() {
        let (peer, conn, packet) = (NodeId::server(1), ConnId { slot: 0, generation: 1 }, Packet::quorum(QuorumKind::Ping, Zxid::ZERO));
        assert_eq!(Record::Sent { to: peer, conn, packet: packet.clone() }.number(), Record::SENT);
        assert_eq!(Record::Delivered { from: peer, conn, packet }.number(), Record::DELIVERED);
    }

    #[test]
    fn kinds_are_the_serialized_names() {
        for record in [Record::Crashed, Record::Exited { code: 14 }, Record::Action { action: "heal".into() }] {
            assert_eq!(serde_json::to_value(&record).expect("records serialize")["kind"], record.kind());
        }
        assert!(HEADLINE_RECORDS.iter().chain(&OTHER_RECORDS).all(|kind| RECORD_KINDS.iter().any(|(name, _)| name == kind)));
    }
}
