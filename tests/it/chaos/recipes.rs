//! Recipes in rounds while servers, links and clients fail: what was granted, counted and told must be so by the agreed log, and in the end
//! nobody waits in vain.
//!
//! Faults come in the first seconds. Then all is healed, rounds end, and it is quiet for longer than the checks' patience.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Fault, Verb, pair};

const SERVERS: u32 = 3;
const CLIENTS: u32 = 3;

/// A handful of numbers, as in the other plans.
#[derive(Clone, Debug)]
pub struct Party {
    seed: u64,
    timing: u32,
    /// One of [`ROUNDS`] for each workload.
    rounds: Vec<u32>,
    faults: Vec<Fault>,
}

pub fn parties() -> impl Strategy<Value = Party> {
    let after = prop_oneof![1 => Just(0_u32), 3 => 0..20_u32, 3 => 0..400_u32, 2 => 0..2000_u32];
    let fault = (after, 0..VERBS.len() as u32, 0..16_u32, 0..16_u32, 0..1000_u32);
    let fault = fault.prop_map(|(after_ms, verb, one, other, amount)| Fault { after_ms, verb, one, other, amount });
    let rounds = vec(0..ROUNDS.len() as u32, 1..3);
    (1..u64::MAX, 0..TIMINGS.len() as u32, rounds, vec(fault, 0..25)).prop_map(|(seed, timing, rounds, faults)| Party {
        seed,
        timing,
        rounds,
        faults,
    })
}

const TIMINGS: [&str; 4] = [
    "{}",
    r#"{ "link": "1ms", "stage": "0us", "fsync": "1ms" }"#,
    r#"{ "link": "1ms..60ms", "stage": "0us..1ms", "fsync": "1ms..40ms" }"#,
    r#"{ "stage": "0us..20ms", "fsync": "0us..20ms" }"#,
];

/// What each client does in a round.
const ROUNDS: [&str; 6] = [
    r#""lock acquire /locks/a", "sleep 7ms", "lock write /locks/a x", "lock release /locks/a""#,
    r#""lock acquire /locks/b within 300ms", "lock write /locks/b x", "sleep 40ms", "lock release /locks/b""#,
    r#""exclusive acquire /one/a", "sleep 11ms", "exclusive release /one/a""#,
    r#""exclusive acquire /one/b within 200ms", "create -s /n- x", "sleep 3ms", "exclusive release /one/b", "sleep 20ms""#,
    r#""counter add /n 3", "sleep 2ms", "counter add /n -1", "counter get /n""#,
    r#""id next /ids", "sleep 10ms""#,
];

/// Clients are hit as often as servers; and one in four has something new to see to.
const VERBS: [Verb; 32] = [
    |_, _, _| "heal".into(),
    |_, _, _| "quiet".into(),
    |_, _, _| "restart all".into(),
    |_, one, _| format!("restart s{one}"),
    |_, one, _| format!("crash s{one}"),
    |_, one, _| format!("power-loss s{one}"),
    |_, _, _| "crash leader".into(),
    |fault, one, _| format!("pause s{one} for {}ms", fault.amount * 5 + 1),
    |fault, one, other| format!("cut s{one} s{other} for {}ms", fault.amount * 8 + 1),
    |_, one, other| format!("partition s{one} | s{other}"),
    |_, one, other| format!("reset s{one} s{other}"),
    |fault, one, other| format!("slow s{one} s{other} {}ms..{}ms", fault.amount / 20, fault.amount / 2),
    |fault, one, _| format!("cut c{} s{one} for {}ms", client(fault), fault.amount * 5 + 1),
    |fault, one, _| format!("cut s{one} -> c{} for {}ms", client(fault), fault.amount * 3 + 1),
    |fault, one, _| format!("cut c{} -> s{one} for {}ms", client(fault), fault.amount * 3 + 1),
    |fault, one, _| format!("reset c{} s{one}", client(fault)),
    |fault, one, _| format!("hold s{one} -> c{}", client(fault)),
    |fault, one, _| format!("hold c{} -> s{one}", client(fault)),
    |fault, one, _| format!("slow c{} s{one} {}ms..{}ms", client(fault), fault.amount / 20, fault.amount / 4),
    |fault, _, _| format!("pause c{} for {}ms", client(fault), fault.amount * 5 + 1),
    |fault, _, _| format!("pause c{} for {}ms", client(fault), fault.amount * 5 + 1),
    |fault, _, _| format!("crash c{}", client(fault)),
    |fault, one, _| format!("c{} connect s{one}", client(fault)),
    |fault, _, _| format!("clock c{} drift {}ppm", client(fault), i64::from(fault.amount) * 100 - 50_000),
    |fault, _, _| format!("c{} settings watch /cfg", client(fault)),
    |fault, _, _| format!("c{} settings set /cfg {}", client(fault), fault.amount),
    |fault, _, _| format!("c{} group join /g", client(fault)),
    |fault, _, _| format!("c{} group watch /g", client(fault)),
    |fault, _, _| format!("c{} group leave /g", client(fault)),
    |fault, _, _| format!("c{} discovery register /svc/a host:{}", client(fault), fault.amount),
    |fault, _, _| format!("c{} discovery watch /svc/a", client(fault)),
    |fault, _, _| format!("c{} discovery unregister /svc/a", client(fault)),
];

fn client(fault: &Fault) -> u32 {
    fault.amount % CLIENTS + 1
}

impl Party {
    /// As a scenario file.
    pub fn text(&self) -> String {
        let step = |fault: &Fault| {
            let (one, other) = pair(fault, SERVERS);
            format!(r#"{{ "after": "{}ms", "do": "{}", "optional": true }}"#, fault.after_ms, VERBS[fault.verb as usize](fault, one, other))
        };
        let quiet = r#"{ "after": "100ms", "do": "quiet" }"#.to_string();
        let steps: Vec<String> = self.faults.iter().map(step).chain([quiet]).collect();
        let until = self.faults.iter().map(|fault| fault.after_ms).sum::<u32>() + 3_000;
        let clients: Vec<String> = (1..=CLIENTS).map(|number| format!(r#""c{number}": {{ "timeout": "2s", "start": "500ms" }}"#)).collect();
        let names: Vec<String> = (1..=CLIENTS).map(|number| format!(r#""c{number}""#)).collect();
        let workload = |(number, rounds): (usize, &u32)| {
            format!(
                r#""w{number}": {{ "clients": [{}], "do": [{}], "start": "700ms", "until": "{until}ms", "optional": true }}"#,
                names.join(","),
                ROUNDS[*rounds as usize]
            )
        };
        format!(
            r#"{{ "title": "party", "seed": {}, "timing": {}, "clients": {{ {} }}, "workloads": {{ {} }},
                 "ensemble": {{ "servers": {SERVERS}, "config": {{ "tickTime": 200, "initLimit": 10, "syncLimit": 5, "fastleader.maxNotificationInterval": 1600 }} }},
                 "steps": [{{ "at": "1s", "do": "heal" }},{}], "run": "{}ms", "expect": {{ "verdict": "pass" }} }}"#,
            self.seed,
            TIMINGS[self.timing as usize],
            clients.join(","),
            self.rounds.iter().enumerate().map(workload).collect::<Vec<_>>().join(","),
            steps.join(","),
            until + 42_000,
        )
    }
}
