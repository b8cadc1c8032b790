//! How fast the kernel is, and how cheap a run is to make, to copy and to leave idle.
//!
//! ```text
//! cargo bench --bench kernel                  all figures with their bars
//! cargo bench --bench kernel -- --profile     only the toy workload on the kernel, for a profiler
//! cargo bench --bench kernel -- --profile-bare  only the bare loop
//! ```
//!
//! | figure | what is measured | bar |
//! | --- | --- | --- |
//! | rate | messages a second of the toy workload ([`toy`]) on the kernel, digest on, against a bare loop that does the same ([`bare`]) | a third of the bare loop |
//! | idle hour | five elected servers for a virtual hour: half ticks, pings and their answers, nothing else | no further wake-up |
//! | set-up | programs, disks, streams and world of five servers | 100 µs |
//! | clone | clone, take ten steps, drop: a run of five elected servers with everything that watches it, its world alone, and the toy under load | 25 µs |
//!
//! Rates come from rounds in turn, so that a busy machine slows both sides; a figure is the median. That the workloads are what they claim to be *is* asserted.
#![allow(clippy::disallowed_types, reason = "a benchmark reads the machine's clock")]
#![allow(clippy::disallowed_methods, reason = "and its arguments")]
#![allow(clippy::float_arithmetic, reason = "ratios decide nothing here")]
#![allow(clippy::print_stdout, reason = "the report")]

mod bare;
#[path = "../common/mod.rs"]
#[allow(dead_code, reason = "what measures a scenario")]
mod common;
mod toy;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{heading, median, report};
use zoolab::bugs::Bugs;
use zoolab::proto::{Config, Membership, Micros, NodeId, ServerId};
use zoolab::scenario::{Run, RunOptions, Scenario};
use zoolab::server::Server;
use zoolab::sim::{Clock, NodeConfig, Stepped, Timing, World, WorldConfig};

/// Of one round: a few milliseconds, so that most rounds are not interrupted by other work of the machine.
const MESSAGES: u64 = 20_000;
const ROUNDS: usize = 251;
const SERVERS: u32 = 5;
const HOUR: Micros = Micros::from_secs(3_600);

fn main() {
    match std::env::args().find(|argument| argument.starts_with("--profile")).as_deref() {
        Some("--profile") => return profile(|messages| run(&mut toy::world(1), messages)),
        Some("--profile-bare") => return profile(|messages| bare::Loop::new(1).run(messages)),
        _ => {}
    }
    heading();
    rate();
    idle_hour();
    set_up();
    clones();
}

fn profile(workload: impl FnOnce(u64)) {
    let messages = 50 * MESSAGES;
    println!("{:.1} ns/event", nanos(timed(|| workload(messages))) / messages as f64);
}

fn rate() {
    let (mut bare, mut kernel, mut ratio) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..ROUNDS as u64 {
        let mut pattern = bare::Loop::new(seed);
        let bare_wall = timed(|| pattern.run(MESSAGES));
        let mut world = toy::world(seed);
        let kernel_wall = timed(|| run(&mut world, MESSAGES));
        for requests in [pattern.requests(), toy::requests(&world)] {
            let complete = requests * toy::MESSAGES_PER_REQUEST;
            assert!(complete.abs_diff(MESSAGES) <= toy::CLIENTS * toy::MESSAGES_PER_REQUEST, "{MESSAGES} messages for {requests} requests");
        }
        black_box((pattern.digest(), world.digest()));
        bare.push(nanos(bare_wall) / MESSAGES as f64);
        kernel.push(nanos(kernel_wall) / MESSAGES as f64);
        ratio.push(nanos(bare_wall) / nanos(kernel_wall));
    }
    let (bare, kernel, ratio) = (median(bare), median(kernel), median(ratio));
    report("bare loop", &rate_text(bare), "", true);
    report("kernel", &rate_text(kernel), "", true);
    report("kernel against bare loop", &format!("{ratio:.3}"), "at least 0.333", ratio >= 1.0 / 3.0);
}

fn rate_text(nanos_per_event: f64) -> String {
    format!("{nanos_per_event:.1} ns/event, {:.1} M/s", 1_000.0 / nanos_per_event)
}

/// Five servers that have elected a leader only ping: one half tick, a ping to each follower and an answer from each.
fn idle_hour() {
    let mut world = elected();
    let tick = Config::new(Membership::of(SERVERS, 0)).tick_time;
    let expected = HOUR.0 / (tick.0 / 2) * (1 + 2 * u64::from(SERVERS - 1));
    let (before, end) = (world.steps(), world.now() + HOUR);
    let wall = timed(|| world.run_until(end));
    let steps = world.steps() - before;
    // Where the hour is cut decides whether one round of pings more or less falls into it.
    let holds = steps.abs_diff(expected) <= 2 * u64::from(SERVERS);
    let measured = format!("{steps} wake-ups in {:.1} ms", nanos(wall) / 1e6);
    report("idle hour of five servers", &measured, &format!("{expected} wake-ups"), holds);
}

fn set_up() {
    let micros = repeated(500, || drop(black_box(servers(1))));
    report("set-up of five servers", &format!("{micros:.1} µs"), "under 100 µs", micros < 100.0);
}

fn clones() {
    let idle = elected();
    let mut loaded = toy::world(1);
    run(&mut loaded, 10_000);
    let figures = [
        ("clone, 10 steps, drop: a run", branch_run(&watched())),
        ("clone, 10 steps, drop: its world", branch(&idle)),
        ("clone, 10 steps, drop: toy", branch(&loaded)),
    ];
    for (figure, micros) in figures {
        report(figure, &format!("{micros:.1} µs"), "under 25 µs", micros < 25.0);
    }
}

/// What trying one continuation of a run costs, checks and all, in microseconds.
fn branch_run(run: &Run) -> f64 {
    repeated(2_000, || {
        let mut branch = run.clone();
        (0..10).for_each(|_| assert!(branch.advance(), "the run is not over"));
        black_box(branch.world().digest());
    })
}

/// A watched run of five servers, ten virtual seconds after its start.
fn watched() -> Run {
    let text = r#"{ "title": "five servers", "ensemble": { "servers": 5 }, "run": "1h", "expect": {} }"#;
    let scenario = Scenario::read(text.as_bytes()).expect("a good scenario");
    let mut run = Run::new(Arc::new(scenario), RunOptions::default());
    while run.world().now() < Micros::from_secs(10) {
        assert!(run.advance(), "the run is not over");
    }
    run
}

/// The same without anybody watching.
fn branch<A: zoolab::actor::Actor>(world: &World<A>) -> f64 {
    repeated(2_000, || {
        let mut branch = world.clone();
        run(&mut branch, 10);
        black_box(branch.digest());
    })
}

fn run<A: zoolab::actor::Actor>(world: &mut World<A>, steps: u64) {
    for _ in 0..steps {
        assert_eq!(world.step(), Stepped::Fired, "the workload never runs dry");
    }
}

fn servers(seed: u64) -> World<Server> {
    let config = Arc::new(Config::new(Membership::of(SERVERS, 0)));
    let node = |number| {
        let id = ServerId(i64::from(number));
        NodeConfig { id: NodeId::Server(id), program: Server::new(id, config.clone(), None), start: Some(Micros::ZERO), clock: Clock::new(0, 0) }
    };
    World::new(world_config(seed), (1..=SERVERS).map(node).collect())
}

fn world_config(seed: u64) -> WorldConfig {
    WorldConfig { seed, timing: Timing::default(), bugs: Bugs::default(), supervise: false }
}

/// Five servers that follow one leader and have nothing to do.
fn elected() -> World<Server> {
    let mut world = servers(1);
    world.run_until(Micros::from_secs(60));
    let leaders: Vec<_> = (1..=SERVERS).map(|number| world.actor(NodeId::server(i64::from(number))).and_then(Server::leader)).collect();
    assert!(leaders[0].is_some() && leaders.iter().all(|leader| *leader == leaders[0]), "no common leader after a minute: {leaders:?}");
    world
}

/// Median time of one call, in microseconds.
fn repeated(times: usize, mut work: impl FnMut()) -> f64 {
    median((0..times).map(|_| nanos(timed(&mut work)) / 1e3).collect())
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

fn nanos(wall: Duration) -> f64 {
    wall.as_nanos() as f64
}
