//! What a search may leave out.

/// The rules that spare a search work, each a switch, so that what it finds can be held against what it finds without. None changes a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A pure operation that returned and fits is taken at once, without trying what else could be done. Any order that goes on from here
    /// holds it somewhere, and with it moved to the front every answer stays as it is.
    pub pure_first: bool,
    /// Of operations that do the same and were answered the same, the one that returns first goes first. Where another goes before it, the
    /// two can change places.
    pub twins: bool,
    /// An operation that never returned is not taken where it changes nothing. It can be left out instead. Needs `early_stop`.
    pub idle: bool,
    /// After an operation that never returned comes only what would go otherwise without it. All else could follow with it left out. Needs
    /// `early_stop`.
    pub needed: bool,
    /// The search ends when every operation that returned has its place; the others need none.
    pub early_stop: bool,
    /// A configuration is left when an operation that must follow does not fit, and nothing that is left can bring about a state in which it
    /// does.
    pub foresight: bool,
    /// A configuration that was met before is left.
    pub memory: bool,
    /// Where every written value is unique nothing is searched.
    pub unique: bool,
}

impl Rules {
    /// All of them.
    pub const ALL: Rules =
        Rules { pure_first: true, twins: true, idle: true, needed: true, early_stop: true, foresight: true, memory: true, unique: true };

    /// Every order of the operations that real time allows, one after the other.
    pub const NONE: Rules =
        Rules { pure_first: false, twins: false, idle: false, needed: false, early_stop: false, foresight: false, memory: false, unique: false };
}

impl Default for Rules {
    fn default() -> Rules {
        Rules::ALL
    }
}
