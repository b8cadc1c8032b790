//! The program's entry; replaced when the verbs land.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr, reason = "only the program touches the machine")]

use std::sync::Arc;

use zoolab::scenario::{Run, RunOptions, Scenario, render};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| args.iter().any(|arg| arg == name);
    let seeds: u64 = args.iter().find_map(|arg| arg.strip_prefix("--seeds=")).map_or(0, |text| text.parse().expect("a number"));
    for file in args.iter().filter(|arg| !arg.starts_with("--")) {
        let bytes = std::fs::read(file).expect("a readable file");
        let scenario = match Scenario::read(&bytes) {
            Ok(scenario) => Arc::new(scenario),
            Err(problems) => {
                eprintln!("{}", render(&problems, file, &String::from_utf8_lossy(&bytes), false));
                continue;
            }
        };
        let options = RunOptions { no_bugs: flag("--no-bugs"), keep_events: flag("--trace") || flag("--full"), ..RunOptions::default() };
        if seeds > 0 {
            let mut fired = (0, 0);
            for seed in 1..=seeds {
                let (report, _) = Run::new(scenario.clone(), RunOptions { seed: Some(seed), ..options }).finish();
                fired = (fired.0 + report.steps_fired, fired.1 + report.steps_total);
                if report.verdict.name() != "pass" {
                    println!("{file} seed {seed}: {}", report.verdict);
                }
            }
            println!("{file}: {} of {} steps fired", fired.0, fired.1);
            continue;
        }
        let (report, events) = Run::new(scenario, options).finish();
        for event in &events {
            use zoolab::trace::Entry;
            if flag("--full") || event.is_headline() {
                println!("{}", zoolab::trace::line(event));
            }
        }
        println!(
            "{file}: {} missed {:?} {}/{} steps, {} events, {:016x}",
            report.verdict, report.missed, report.steps_fired, report.steps_total, report.events, report.digest
        );
    }
}
