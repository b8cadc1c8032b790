//! How a client watches a path. Source: `WatcherMode`, `WatchStats`.

use crate::proto::AddWatchMode;

/// A set of modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes(u8);

impl Modes {
    pub const NONE: Modes = Modes(0);
    /// Gone once it has fired.
    pub const STANDARD: Modes = Modes(1);
    pub const PERSISTENT: Modes = Modes(2);
    /// Of the node and all below it.
    pub const RECURSIVE: Modes = Modes(4);
    pub const ANY: Modes = Modes(7);

    pub const fn of(mode: AddWatchMode) -> Modes {
        match mode {
            AddWatchMode::Persistent => Modes::PERSISTENT,
            AddWatchMode::PersistentRecursive => Modes::RECURSIVE,
        }
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether any of these is among them.
    pub const fn has(self, modes: Modes) -> bool {
        self.0 & modes.0 != 0
    }

    pub const fn with(self, modes: Modes) -> Modes {
        Modes(self.0 | modes.0)
    }

    pub const fn without(self, modes: Modes) -> Modes {
        Modes(self.0 & !modes.0)
    }
}
