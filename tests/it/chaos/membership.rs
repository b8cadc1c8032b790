//! Random changes of the membership while servers and links fail: whatever was agreed stays, and the ensemble that is left goes on.
//!
//! Three servers begin, three more wait. What makes an ensemble impossible to save is left out: nobody loses a disk.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Fault, Verb, pair};

const SERVERS: u32 = 6;

/// A handful of numbers, as in the other plans.
#[derive(Clone, Debug)]
pub struct Upheaval {
    seed: u64,
    timing: u32,
    alone: bool,
    rate: u32,
    faults: Vec<Fault>,
}

pub fn upheavals() -> impl Strategy<Value = Upheaval> {
    let after = prop_oneof![1 => Just(0_u32), 3 => 0..20_u32, 3 => 0..400_u32, 1 => 0..2000_u32];
    let fault = (after, 0..VERBS.len() as u32, 0..16_u32, 0..16_u32, 0..1000_u32);
    let fault = fault.prop_map(|(after_ms, verb, one, other, amount)| Fault { after_ms, verb, one, other, amount });
    (1..u64::MAX, 0..TIMINGS.len() as u32, any::<bool>(), 1..40_u32, vec(fault, 0..25)).prop_map(|(seed, timing, alone, rate, faults)| Upheaval {
        seed,
        timing,
        alone,
        rate,
        faults,
    })
}

const TIMINGS: [&str; 3] = ["{}", r#"{ "link": "1ms", "stage": "0us", "fsync": "1ms" }"#, r#"{ "link": "1ms..60ms", "fsync": "1ms..40ms" }"#];

/// Nearly every second step asks for another membership.
const VERBS: [Verb; 24] = [
    |_, one, _| format!("c1 reconfig -add s{one}"),
    |_, one, _| format!("c1 reconfig -add s{one}"),
    |_, one, _| format!("c2 reconfig -add s{one}"),
    |_, one, _| format!("c1 reconfig -add s{one}:observer"),
    |_, one, _| format!("c1 reconfig -remove s{one}"),
    |_, one, _| format!("c2 reconfig -remove s{one}"),
    |_, one, other| format!("c1 reconfig -remove s{one} -add s{other}"),
    |_, one, other| format!("c1 reconfig -remove s{one},s{other}"),
    |_, one, other| format!("c2 reconfig -members s{one},s{other}"),
    |_, one, other| format!("c1 reconfig -members s1,s{one}:observer,s{other}"),
    |_, _, _| "c1 reconfig -members s4,s5,s6".into(),
    |_, _, _| "c1 reconfig -members s1,s2,s3".into(),
    |_, _, _| "heal".into(),
    |_, _, _| "restart all".into(),
    |_, one, _| format!("restart s{one}"),
    |_, one, _| format!("crash s{one}"),
    |_, one, _| format!("power-loss s{one}"),
    |_, _, _| "crash leader".into(),
    |_, _, _| "power-loss leader".into(),
    |fault, one, _| format!("pause s{one} for {}ms", fault.amount * 5 + 1),
    |fault, one, other| format!("cut s{one} s{other} for {}ms", fault.amount * 8 + 1),
    |fault, one, other| format!("hold s{one} -> s{other} {}", HELD[fault.amount as usize % HELD.len()]),
    |_, one, other| format!("reset s{one} s{other}"),
    |fault, one, _| format!("disk s{one} {}", ["fail-fsync", "fail-write", "fail-fsync 2"][fault.amount as usize % 3]),
];

const HELD: [&str; 7] = ["PROPOSAL", "ACK", "COMMITANDACTIVATE", "INFORMANDACTIVATE", "NEWLEADER", "UPTODATE", "NOTIFICATION"];

impl Upheaval {
    /// As a scenario file.
    pub fn text(&self) -> String {
        let step = |fault: &Fault| {
            let (one, other) = pair(fault, SERVERS);
            format!(r#"{{ "after": "{}ms", "do": "{}", "optional": true }}"#, fault.after_ms, VERBS[fault.verb as usize](fault, one, other))
        };
        let steps: Vec<String> = self.faults.iter().map(step).collect();
        let run = self.faults.iter().map(|fault| fault.after_ms).sum::<u32>() + 2500;
        format!(
            r#"{{ "title": "upheaval", "seed": {}, "timing": {},
                 "ensemble": {{ "servers": 3, "joining": {{ "s4": "participant", "s5": "participant", "s6": "observer" }},
                   "config": {{ "tickTime": 200, "initLimit": 10, "syncLimit": 5, "fastleader.maxNotificationInterval": 1600,
                     "reconfigEnabled": true, "skipACL": "yes", "standaloneEnabled": {} }} }},
                 "clients": {{ "c1": {{ "timeout": "4s", "start": "600ms" }}, "c2": {{ "timeout": "4s", "start": "700ms" }} }},
                 "workloads": {{ "w": {{ "clients": ["c2"], "rate": "{}/s", "start": "900ms", "mix": {{ "create": 1, "set": 2, "get": 1 }}, "optional": true }} }},
                 "steps": [{{ "at": "1s", "do": "heal", "optional": true }}{}{}], "run": "{run}ms", "expect": {{ "verdict": "pass" }} }}"#,
            self.seed,
            TIMINGS[self.timing as usize],
            !self.alone,
            self.rate,
            if steps.is_empty() { "" } else { "," },
            steps.join(","),
        )
    }
}
