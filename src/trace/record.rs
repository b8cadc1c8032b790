//! Kernel records: what the world itself did. They, and only they, make the digest.

use std::fmt;

use serde::Serialize;

use crate::proto::{CloseReason, ConnId, DialError, DiskTag, Micros, NodeId, Packet, Port, Stage, Timer};

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
    Connected {
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
        op: String,
    },
    DiskDone {
        tag: DiskTag,
        outcome: String,
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
    /// Virtual time passed `at` without anything to do: the world is idle or waits for its next step.
    Idle {
        until: Micros,
    },
}

macro_rules! kinds {
    ($($variant:ident $name:literal,)*) => {
        /// Every kind of kernel record.
        pub const RECORD_KINDS: &[&str] = &[$($name),*];

        impl Record {
            /// The snake_case name of the kind, as in the trace.
            pub fn kind(&self) -> &'static str {
                match self { $(Record::$variant { .. } => $name),* }
            }
        }
    };
}

kinds! {
    Started "started",
    Crashed "crashed",
    PowerLost "power_lost",
    Exited "exited",
    Paused "paused",
    Resumed "resumed",
    Timer "timer",
    Stage "stage",
    Dialled "dialled",
    DialFailed "dial_failed",
    Accepted "accepted",
    Connected "connected",
    Sent "sent",
    Delivered "delivered",
    Closed "closed",
    Hungup "hungup",
    TailLost "tail_lost",
    WindowFull "window_full",
    WindowOpen "window_open",
    DatagramSent "datagram_sent",
    DatagramDelivered "datagram_delivered",
    DatagramLost "datagram_lost",
    DiskStarted "disk_started",
    DiskDone "disk_done",
    Action "action",
    ActionFailed "action_failed",
    ActionEnded "action_ended",
    Idle "idle",
}

impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Record::Started { life: 1 } => write!(out, "process starts"),
            Record::Started { life } => write!(out, "process starts, life {life}"),
            Record::Crashed => write!(out, "process crashes"),
            Record::PowerLost { lost_bytes, kept_bytes, torn_files } => {
                write!(out, "loses power: of the unsynced bytes {lost_bytes} are lost and {kept_bytes} kept, {torn_files} files torn")
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
            Record::Connected { to, port, conn } => write!(out, "is connected to {to} ({port} port) on {conn}"),
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
            Record::DiskDone { outcome, .. } => write!(out, "disk: {outcome}"),
            Record::Action { action } => write!(out, "{action}"),
            Record::ActionFailed { action, why } => write!(out, "{action} did not apply: {why}"),
            Record::ActionEnded { action } => write!(out, "{action} ends"),
            Record::Idle { until } => write!(out, "nothing to do until {until}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_the_serialized_names() {
        for record in [Record::Crashed, Record::Exited { code: 14 }, Record::Action { action: "heal".into() }] {
            assert_eq!(serde_json::to_value(&record).expect("records serialize")["kind"], record.kind());
        }
    }
}
