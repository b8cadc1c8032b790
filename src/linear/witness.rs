//! Going through an order of operations, trusting nothing that found it.

use super::history::History;
use super::model::{Model, Outcome};

/// Why an order does not explain a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flawed {
    /// This operation returned, and stands nowhere.
    Missing(usize),
    /// This one stands there twice, or is none of the history's part.
    Surplus(usize),
    /// The first had returned before the second, which stands before it, was called.
    OutOfTime(usize, usize),
    /// This one would have been answered something else.
    Unexplained(usize),
}

/// Whether `order` holds every operation of `part` that returned, and none twice, in an order that real time allows and that explains every
/// answer.
pub fn replay<M: Model>(history: &History<M>, part: &[usize], order: &[usize]) -> Result<(), Flawed> {
    let mut left = vec![0_u8; history.operations.len()];
    part.iter().for_each(|index| left[*index] = 1);
    let mut latest: Option<usize> = None;
    let mut state = M::initial();
    for &index in order {
        let operation = &history.operations[index];
        if left[index] == 0 {
            return Err(Flawed::Surplus(index));
        }
        left[index] = 0;
        let latest_called = latest.filter(|latest| history.operations[*latest].call > operation.call).unwrap_or(index);
        if operation.ret.is_some_and(|ret| ret < history.operations[latest_called].call) {
            return Err(Flawed::OutOfTime(index, latest_called));
        }
        latest = Some(latest_called);
        match M::apply(&state, &operation.action) {
            Outcome::Refused => return Err(Flawed::Unexplained(index)),
            Outcome::Unchanged => {}
            Outcome::Becomes(next) => state = next,
        }
    }
    match part.iter().find(|index| left[**index] == 1 && history.operations[**index].ret.is_some()) {
        Some(missing) => Err(Flawed::Missing(*missing)),
        None => Ok(()),
    }
}
