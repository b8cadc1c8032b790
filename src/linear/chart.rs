//! Operations as bars over their common time: one line each, in the order of their calls.

use std::collections::BTreeSet;

use super::explain::Told;

/// What is drawn for one event.
const STEP: usize = 4;

/// Wider charts are hard to follow with the eye.
const WIDEST: usize = 100;

/// Only the order of calls and returns counts, so that is the scale. A bar that ends in `…` never returned.
pub fn chart(operations: &[Told]) -> String {
    let events: BTreeSet<u64> = operations.iter().flat_map(|operation| [Some(operation.call), operation.ret]).flatten().collect();
    let step = (WIDEST / events.len().max(1)).clamp(1, STEP);
    let column = |place: u64| events.range(..place).count() * step;
    let end = events.len() * step;
    let names: Vec<String> = operations.iter().map(|operation| format!("{:>5}  p{}  {}", operation.id, operation.process, operation.text)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut rows: Vec<(u64, String)> = operations
        .iter()
        .zip(&names)
        .map(|(operation, name)| {
            let from = column(operation.call);
            let (to, edge) = operation.ret.map_or((end, '…'), |ret| (column(ret), '┤'));
            let bar = "─".repeat((to - from).saturating_sub(1));
            (operation.call, format!("{name}{}   {}├{bar}{edge}\n", " ".repeat(width - name.chars().count()), " ".repeat(from)))
        })
        .collect();
    rows.sort();
    rows.into_iter().map(|(_, row)| row).collect()
}
