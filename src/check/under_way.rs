//! Which calls of clients are not answered yet.

use std::collections::VecDeque;

use crate::proto::NodeId;

/// By the client's number, oldest first: that one is answered next, nearly always. No client gives a number twice.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(Vec<VecDeque<u64>>);

impl UnderWay {
    /// A client makes a call.
    #[inline]
    pub fn begin(&mut self, client: NodeId, call: u64) {
        let NodeId::Client(number) = client else { return };
        let index = number as usize;
        if index >= self.0.len() {
            self.0.resize_with(index + 1, VecDeque::new);
        }
        self.0[index].push_back(call);
    }

    /// The call is answered. False when it was never begun.
    #[inline]
    pub fn end(&mut self, client: NodeId, call: u64) -> bool {
        let NodeId::Client(number) = client else { return false };
        let Some(calls) = self.0.get_mut(number as usize) else { return false };
        let index = calls.iter().position(|known| *known == call);
        index.and_then(|index| calls.remove(index)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_ends_once_and_for_its_own_client() {
        let (one, other) = (NodeId::Client(1), NodeId::Client(2));
        let mut calls = UnderWay::default();
        [5, 7, 9].into_iter().for_each(|call| calls.begin(one, call));
        calls.begin(other, 7);
        assert_eq!([5, 9, 9, 7, 8].map(|call| calls.end(one, call)), [true, true, false, true, false]);
        assert_eq!([7, 7].map(|call| calls.end(other, call)), [true, false]);
        assert!(!calls.end(NodeId::Client(3), 7) && !calls.end(NodeId::server(1), 7));
    }
}
