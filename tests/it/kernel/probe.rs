//! A node that follows a script, and a small world of such nodes whose doings read as lines.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use zoolab::actor::{Actor, Cx, Effect, Input};
use zoolab::bugs::Bugs;
use zoolab::proto::{ConnId, Micros, NodeId, Packet, Port, ServerId, Span, Stage, Timer};
use zoolab::sim::{Action, Clock, NodeConfig, Origin, Recording, Timing, World, WorldConfig};
use zoolab::trace::{Event, Note, Record};

/// One thing that a script does. Servers are named by their numbers, times are in ms.
#[derive(Clone)]
pub enum Do {
    Listen,
    Unlisten,
    /// Dials the election port of a server, with a timeout.
    Dial(i64, u64),
    /// Sends these numbers to a server that was dialled.
    Send(i64, RangeInclusive<i32>),
    /// Sends a packet of another kind.
    SendOther(i64, i64),
    /// Sends a number on the connection that was accepted last, if there is one.
    Reply(i32),
    Close(i64),
    Datagrams(i64, RangeInclusive<i32>),
    Arm(Timer, u64),
    Disarm(Timer),
    Wake(Stage),
    /// Wakes a stage again each time it is woken.
    Spin(Stage),
    Exit(i32),
}

/// Follows its script in every life: pairs of a time in ms after the boot and what to do then.
#[derive(Clone)]
pub struct Probe {
    script: Vec<(u64, Do)>,
    dialled: BTreeMap<ServerId, ConnId>,
    accepted: Option<ConnId>,
    spins: Option<Stage>,
}

/// The script's own timers; no node has as many connections.
fn alarm(step: usize) -> Timer {
    Timer::LearnerRead(ConnId { slot: u32::MAX, generation: step as u32 })
}

impl Actor for Probe {
    fn step(&mut self, cx: &mut Cx, input: Input) {
        match input {
            Input::Boot => (0..self.script.len()).for_each(|step| cx.arm(alarm(step), Micros::from_millis(self.script[step].0))),
            Input::Timer(Timer::LearnerRead(conn)) if conn.slot == u32::MAX => self.act(cx, self.script[conn.generation as usize].1.clone()),
            Input::Connected { to, conn, .. } => drop(self.dialled.insert(to, conn)),
            Input::Accepted { conn, .. } => self.accepted = Some(conn),
            Input::Stage(stage) if self.spins == Some(stage) => cx.wake(stage),
            Input::Command(command) => cx.note(Note::BootRefused { reason: format!("{command:?}") }),
            _ => {}
        }
    }
}

impl Probe {
    fn act(&mut self, cx: &mut Cx, what: Do) {
        match what {
            Do::Listen => cx.emit(Effect::Listen(Port::Election)),
            Do::Unlisten => cx.emit(Effect::Unlisten(Port::Election)),
            Do::Dial(to, timeout) => cx.emit(Effect::Dial { to: ServerId(to), port: Port::Election, timeout: Micros::from_millis(timeout) }),
            Do::Send(to, numbers) => numbers.for_each(|xid| cx.send(self.dialled[&ServerId(to)], Packet::ElectionRequest { xid })),
            Do::SendOther(to, number) => cx.send(self.dialled[&ServerId(to)], Packet::Initial { sid: ServerId(number) }),
            Do::Reply(xid) => self.accepted.into_iter().for_each(|conn| cx.send(conn, Packet::ElectionRequest { xid })),
            Do::Close(to) => cx.emit(Effect::Close(self.dialled[&ServerId(to)])),
            Do::Datagrams(to, numbers) => numbers.for_each(|xid| {
                cx.emit(Effect::Datagram { to: ServerId(to), port: Port::Quorum, packet: Packet::ElectionRequest { xid } });
            }),
            Do::Arm(timer, after) => cx.arm(timer, Micros::from_millis(after)),
            Do::Disarm(timer) => cx.disarm(timer),
            Do::Wake(stage) => cx.wake(stage),
            Do::Spin(stage) => {
                self.spins = Some(stage);
                cx.wake(stage);
            }
            Do::Exit(code) => cx.emit(Effect::Exit(code)),
        }
    }
}

/// Servers s1, s2, … with a script each; links of exactly 10 ms and stages without delay unless changed.
#[derive(Clone)]
pub struct Lab {
    pub scripts: Vec<Vec<(u64, Do)>>,
    pub timing: Timing,
    pub seed: u64,
    pub supervise: bool,
}

impl Lab {
    pub fn new<const N: usize>(scripts: [Vec<(u64, Do)>; N]) -> Lab {
        let timing = Timing { link: Span::exactly(Micros::from_millis(10)), stage: Span::exactly(Micros::ZERO), ..Timing::default() };
        Lab { scripts: scripts.into(), timing, seed: 1, supervise: false }
    }

    pub fn link(mut self, low: u64, high: u64) -> Lab {
        self.timing.link = Span::new(Micros::from_millis(low), Micros::from_millis(high));
        self
    }

    pub fn world(&self) -> World<Probe> {
        let node = |(at, script): (usize, &Vec<(u64, Do)>)| node(NodeId::server(at as i64 + 1), script.clone());
        let config = WorldConfig { seed: self.seed, timing: self.timing.clone(), bugs: Bugs::NONE, supervise: self.supervise };
        let mut world = World::new(config, self.scripts.iter().enumerate().map(node).collect());
        world.set_recording(Recording::Full);
        world
    }

    /// Runs for `until` ms with actions at their times, and tells what happened from the first action on (or from the start).
    pub fn story(&self, actions: &[(u64, &str)], until: u64) -> Vec<String> {
        let mut world = self.world();
        for (at, action) in actions {
            world.run_until(Micros::from_millis(*at));
            inject(&mut world, action);
        }
        world.run_until(Micros::from_millis(until));
        lines(&mut world)
    }
}

/// A node that starts with the run, or as soon as it joins.
pub fn node(id: NodeId, script: Vec<(u64, Do)>) -> NodeConfig<Probe> {
    let program = Probe { script, dialled: BTreeMap::new(), accepted: None, spins: None };
    NodeConfig { id, program, start: Some(Micros::ZERO), clock: Clock::new(0, 0) }
}

pub fn inject(world: &mut World<Probe>, action: &str) {
    let action = Action::parse(action).unwrap_or_else(|error| panic!("{action}: {error:?}"));
    world.inject(&action, Origin::Author).unwrap_or_else(|why| panic!("{action}: {why}"));
}

/// What happened since the last call.
pub fn lines(world: &mut World<Probe>) -> Vec<String> {
    let line = |event: &Event| {
        let what = said(event.record()?)?;
        Some(format!("{} {} {what}", event.at, event.node?))
    };
    world.take_events().iter().filter_map(line).collect()
}

/// What a record says; `None` for the beginnings of things, whose ends are told.
fn said(record: &Record) -> Option<String> {
    Some(match record {
        Record::Delivered { packet, .. } => format!("got {}", number(packet)),
        Record::DatagramDelivered { packet, .. } => format!("got datagram {}", number(packet)),
        Record::DatagramLost { packet, .. } => format!("lost datagram {}", number(packet)),
        Record::Hungup { why, .. } => format!("hung up: {why:?}"),
        Record::TailLost { packets, .. } => format!("lost {packets}"),
        Record::DialSucceeded { to, .. } => format!("connected to {to}"),
        Record::Accepted { from, .. } => format!("accepted {from}"),
        Record::DialFailed { why, .. } => format!("dial failed: {why:?}"),
        Record::WindowFull { .. } => "window full".into(),
        Record::WindowOpen { .. } => "window open".into(),
        Record::Timer { timer: Timer::LearnerRead(_) } => return None,
        Record::Timer { timer } => format!("timer {timer}"),
        Record::Stage { stage } => format!("stage {stage}"),
        Record::Started { life } if *life > 1 => format!("life {life}"),
        Record::Exited { code } => format!("exit {code}"),
        Record::Command { command } => format!("told {command}"),
        _ => return None,
    })
}

fn number(packet: &Packet) -> String {
    match packet {
        Packet::ElectionRequest { xid } => xid.to_string(),
        Packet::Initial { sid } => format!("other {}", sid.0),
        packet => packet.to_string(),
    }
}

/// Exactly these lines.
#[track_caller]
pub fn assert_lines(lines: &[String], expected: &str) {
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert!(lines == expected, "expected\n{}\nand it was\n{}", expected.join("\n"), lines.join("\n"));
}
