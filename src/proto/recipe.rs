//! Recipes: what a client does for its user with more than one request. Their words, in steps and in traces. Source: recipes reference.

use std::fmt;

use super::{Bytes, Micros, Path};

/// What a user asks for: `lock acquire /locks/a within 5s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipeCall {
    pub verb: RecipeVerb,
    /// The node that all who take part agree on.
    pub path: Path,
    /// How many: members of a barrier, leases of a semaphore, the amount to add.
    pub number: Option<i64>,
    pub data: Option<Bytes>,
    /// How long it may wait; `None`: for ever.
    pub within: Option<Micros>,
}

/// What follows the path in the text form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    Nothing,
    /// A whole number, called so in the form.
    Number(&'static str),
    /// The same, or 1.
    NumberOrOne(&'static str),
    Data,
    DataOrNothing,
    /// A number, and then data.
    NumberAndData(&'static str),
}

/// One row of the table of verbs.
pub struct VerbInfo {
    pub verb: RecipeVerb,
    pub recipe: Recipe,
    pub word: &'static str,
    pub operand: Operand,
    /// Whether it may wait for others, so that a time limit makes sense.
    pub waits: bool,
    /// One sentence.
    pub what: &'static str,
    pub example: &'static str,
    /// What its user is told if it comes to its end: a word, or a description in angle brackets.
    pub answer: &'static str,
}

/// Declares recipes and their verbs beside the table, so that neither can miss one.
macro_rules! recipes {
    ($($(#[$doc:meta])* $recipe:ident $name:literal {
        $($verb:ident $word:literal $operand:expr, $waits:literal, $what:literal, $example:literal => $answer:literal;)*
    })*) => {
        /// A way to coordinate clients.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Recipe { $($(#[$doc])* $recipe),* }

        impl Recipe {
            pub const fn name(self) -> &'static str {
                match self { $(Recipe::$recipe => $name),* }
            }
        }

        /// What can be asked of a recipe.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum RecipeVerb { $($($verb),*),* }

        /// Every verb there is.
        pub const RECIPE_VERBS: &[VerbInfo] = &[$($(VerbInfo {
            verb: RecipeVerb::$verb, recipe: Recipe::$recipe, word: $word, operand: $operand, waits: $waits, what: $what,
            example: $example, answer: $answer,
        }),*),*];
    };
}

recipes! {
    /// One node: who creates it holds. Reference §4.
    Exclusive "exclusive" {
        ExclusiveAcquire "acquire" Operand::Nothing, true,
            "Creates the node, ephemeral; if another has, waits until it is gone and tries again, with all others that wait.",
            "exclusive acquire /locks/a within 5s" => "Ok";
        ExclusiveRelease "release" Operand::Nothing, false,
            "Deletes the node, if it is still its own.",
            "exclusive release /locks/a" => "Ok";
    }
    /// A line of sequential nodes: the first holds, each watches the one before. Reference §5.
    Lock "lock" {
        LockAcquire "acquire" Operand::Nothing, true,
            "Creates a sequential node below PATH and waits until it is the first; each waits for the one before it alone.",
            "lock acquire /locks/a within 5s" => "Ok";
        LockAcquireRevocable "acquire-revocable" Operand::Nothing, true,
            "The same, and its holder gives it back when somebody asks for it with `lock revoke`.",
            "lock acquire-revocable /locks/a within 5s" => "Ok";
        LockRelease "release" Operand::Nothing, false,
            "Stops believing that it holds the lock, then deletes its node.",
            "lock release /locks/a" => "Ok";
        LockWrite "write" Operand::Data, false,
            "The work that the lock guards: writes DATA to PATH itself, in one multi with a check that its own node is there.",
            "lock write /locks/a x" => "Ok";
        LockRevoke "revoke" Operand::Nothing, false,
            "Asks the holder to give the lock back, in the data of its node; one that did not acquire it so does not hear of it.",
            "lock revoke /locks/a" => "Ok";
        LockBreak "break" Operand::Nothing, false,
            "Takes the lock from its holder by deleting the first node of the line; the holder is not asked.",
            "lock break /locks/a" => "Ok";
    }
    /// A number that many add to. Reference §16.
    Counter "counter" {
        CounterAdd "add" Operand::NumberOrOne("NUMBER"), false,
            "Adds to the number in the node, which it creates; again and again, until nobody has been faster. Returns the sum.",
            "counter add /n 5" => "<number>";
        CounterGet "get" Operand::Nothing, false,
            "Asks for the number.",
            "counter get /n" => "<number>";
    }
    /// Numbers that are given once. Reference §3.
    Id "id" {
        IdNext "next" Operand::Nothing, false,
            "Gives a number that nobody was given before: that of a sequential node below PATH.",
            "id next /ids" => "<number>";
    }
    /// A value that all who watch come to know. Reference §1.
    Settings "settings" {
        SettingsWatch "watch" Operand::Nothing, false,
            "Tells each value of the node that it learns (`learned`), from now on, over lost connections and sessions.",
            "settings watch /cfg" => "Ok";
        SettingsSet "set" Operand::Data, false,
            "Writes the value, whatever it was, and creates the node if it is missing.",
            "settings set /cfg x" => "Ok";
        SettingsStop "stop" Operand::Nothing, false,
            "Watches no more.",
            "settings stop /cfg" => "Ok";
    }
    /// Who is there: an ephemeral node for each. Reference §2.
    Group "group" {
        GroupJoin "join" Operand::Nothing, false,
            "Sees to it, from now on, that its own node is below PATH, in each session anew (`joined`).",
            "group join /g" => "Ok";
        GroupLeave "leave" Operand::Nothing, false,
            "Takes its node away and sees to it no more.",
            "group leave /g" => "Ok";
        GroupWatch "watch" Operand::Nothing, false,
            "Tells who is there whenever it learns of a change (`learned`).",
            "group watch /g" => "Ok";
    }
    /// Where a service is: its instances with their addresses. Reference §18; Curator's x-discovery.
    Discovery "discovery" {
        DiscoveryRegister "register" Operand::Data, false,
            "Sees to it, from now on, that the service PATH has this client as an instance, with DATA as its address (`joined`).",
            "discovery register /svc/a host:1" => "Ok";
        DiscoveryUnregister "unregister" Operand::Nothing, false,
            "Takes the instance away.",
            "discovery unregister /svc/a" => "Ok";
        DiscoveryWatch "watch" Operand::Nothing, false,
            "Tells which instances there are, with their addresses, whenever it learns of a change (`learned`).",
            "discovery watch /svc/a" => "Ok";
    }
    /// A line of readers, who may hold together, and writers, who may not. Reference §6.
    RwLock "rwlock" {
        RwLockRead "read" Operand::Nothing, true,
            "Enters the line and waits until no writer is before it; readers hold together.",
            "rwlock read /rw within 5s" => "Ok";
        RwLockWrite "write" Operand::Nothing, true,
            "Enters the line and waits until nobody is before it.",
            "rwlock write /rw within 5s" => "Ok";
        RwLockRelease "release" Operand::Nothing, false,
            "Gives back what it has held longest.",
            "rwlock release /rw" => "Ok";
    }
    /// A lease for each of so many. Reference §17.
    Semaphore "semaphore" {
        SemaphoreAcquire "acquire" Operand::Number("MOST"), true,
            "Takes one of MOST leases, in the order of asking, and waits as long as all are taken.",
            "semaphore acquire /s 2 within 5s" => "Ok";
        SemaphoreRelease "release" Operand::Nothing, false,
            "Gives back the lease that it has had longest.",
            "semaphore release /s" => "Ok";
    }
    /// The first of a line leads. Reference §8.
    Election "election" {
        ElectionJoin "join" Operand::Nothing, true,
            "Stands for election below PATH, and returns when it leads; each candidate waits for the one before it alone.",
            "election join /e within 5s" => "Ok";
        ElectionLeave "leave" Operand::Nothing, false,
            "Leads no more: first it stops believing so, then it deletes its node.",
            "election leave /e" => "Ok";
        ElectionLeader "leader" Operand::Nothing, false,
            "Asks whose turn it is to lead; that it is does not mean that it knows it already.",
            "election leader /e" => "<the name of a client>";
        ElectionWrite "write" Operand::Data, false,
            "The leader's work: writes DATA to PATH itself, in one multi with a check that its own node is there.",
            "election write /e x" => "Ok";
    }
    /// An election that one takes part in from start to close, whatever becomes of connections and sessions. Reference §9.
    Latch "latch" {
        LatchStart "start" Operand::Nothing, false,
            "Takes part from now on, with a new node in each new session; when it leads is told by `granted`.",
            "latch start /latch" => "Ok";
        LatchClose "close" Operand::Nothing, false,
            "Takes part no more, and deletes its node.",
            "latch close /latch" => "Ok";
    }
    /// A line of items: what was put first is taken first, and by one. Reference §12.
    Queue "queue" {
        QueuePut "put" Operand::Data, false,
            "Puts DATA at the end of the queue, once, whatever becomes of the answer.",
            "queue put /q x" => "Ok";
        QueueTake "take" Operand::Nothing, true,
            "Takes the first item, or waits for one. Claiming it and deleting it are one multi, so that after a lost answer the claim tells whose it is.",
            "queue take /q within 5s" => "<the item's data>";
    }
    /// The same, where some items come before others. Reference §13.
    Priority "priority" {
        PriorityPut "put" Operand::NumberAndData("PRIORITY"), false,
            "Puts DATA behind all items of this and of smaller priority (0 to 999) that are there.",
            "priority put /pq 3 x" => "Ok";
        PriorityTake "take" Operand::Nothing, true,
            "Takes the first item of the smallest priority, or waits for one. What it chooses from is never older than what it was told.",
            "priority take /pq within 5s" => "<the item's data>";
    }
    /// A node that nobody passes as long as it is there. Reference §10.
    Barrier "barrier" {
        BarrierSet "set" Operand::Nothing, false,
            "Creates the node, unless it is there.",
            "barrier set /b" => "Ok";
        BarrierLift "lift" Operand::Nothing, false,
            "Deletes the node that is there, and none that is set later.",
            "barrier lift /b" => "Ok";
        BarrierWait "wait" Operand::Nothing, true,
            "Waits until the node is not there.",
            "barrier wait /b within 5s" => "Ok";
    }
    /// Members begin together and end together. Reference §11.
    DoubleBarrier "double-barrier" {
        DoubleBarrierEnter "enter" Operand::Number("MEMBERS"), true,
            "Becomes a member of the round that has not begun, and waits until there are so many.",
            "double-barrier enter /b 3 within 5s" => "Ok";
        DoubleBarrierLeave "leave" Operand::Nothing, true,
            "Waits until all members of its round leave.",
            "double-barrier leave /b within 5s" => "Ok";
    }
    /// Usable once all are there: the first half of a double barrier. Reference §14.
    SyncQueue "sync-queue" {
        SyncQueueJoin "join" Operand::Number("MEMBERS"), true,
            "Waits until so many have come; those who come later are of another round.",
            "sync-queue join /sq 3 within 5s" => "Ok";
    }
    /// Two-phase commit: all sites vote, and the outcome is the same for all. Reference §15.
    Transaction "transaction" {
        TransactionBegin "begin" Operand::Data, false,
            "Makes the transaction with its sites, which are clients: DATA is their names, with commas between them.",
            "transaction begin /tx/1 c1,c2" => "Ok";
        TransactionVote "vote" Operand::Data, false,
            "Votes as one of its sites, once: DATA is commit or abort.",
            "transaction vote /tx/1 commit" => "Ok";
        TransactionDecide "decide" Operand::Nothing, true,
            "Waits for all votes and decides, unless it is decided. Commit, if all are for it; when time is over, who has not voted is against it.",
            "transaction decide /tx/1 within 5s" => "<commit or abort>";
    }
}

impl RecipeVerb {
    pub fn info(self) -> &'static VerbInfo {
        &RECIPE_VERBS[self as usize]
    }

    pub fn recipe(self) -> Recipe {
        self.info().recipe
    }
}

impl VerbInfo {
    /// `lock acquire PATH [within TIME]`.
    pub fn form(&self) -> String {
        let operand = match self.operand {
            Operand::Nothing => String::new(),
            Operand::Number(name) => format!(" {name}"),
            Operand::NumberOrOne(name) => format!(" [{name}]"),
            Operand::Data => " DATA".into(),
            Operand::DataOrNothing => " [DATA]".into(),
            Operand::NumberAndData(name) => format!(" {name} DATA"),
        };
        let within = if self.waits { " [within TIME]" } else { "" };
        format!("{} {} PATH{operand}{within}", self.recipe, self.word)
    }

    /// Whether this can be what its user is told in the end, errors of ZooKeeper aside.
    pub fn may_answer(&self, text: &str) -> bool {
        text == TIMED_OUT && self.waits || [NOT_HELD, SUSPENDED].contains(&text) || text == self.answer || self.answer.starts_with('<')
    }
}

/// What a user is told whose time limit has passed.
pub const TIMED_OUT: &str = "TimedOut";

/// What a user is told who would release what it has not.
pub const NOT_HELD: &str = "NotHeld";

/// What a user is told who holds something and does not know whether it still does.
pub const SUSPENDED: &str = "Suspended";

/// What became of a round of a workload: of its lines, the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundEnd {
    /// Every line came to what it should.
    Acked,
    /// A line was refused, or gave up in time.
    Failed,
    /// Of a line nobody knows what became.
    Unknown,
}

impl fmt::Display for RoundEnd {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(match self {
            RoundEnd::Acked => "acknowledged",
            RoundEnd::Failed => "failed",
            RoundEnd::Unknown => "unknown",
        })
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(self.name())
    }
}

impl serde::Serialize for Recipe {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.name())
    }
}

/// As it is told in a story; what is read back may need quotes.
impl fmt::Display for RecipeCall {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let info = self.verb.info();
        write!(out, "{} {} {}", info.recipe, info.word, self.path)?;
        self.number.iter().try_for_each(|number| write!(out, " {number}"))?;
        self.data.iter().try_for_each(|data| write!(out, " {}", String::from_utf8_lossy(data)))?;
        self.within.iter().try_for_each(|time| write!(out, " within {time}"))
    }
}

impl serde::Serialize for RecipeCall {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_indexed_by_the_verb() {
        for (index, info) in RECIPE_VERBS.iter().enumerate() {
            assert_eq!(info.verb as usize, index);
            assert!(info.example.starts_with(&format!("{} {} /", info.recipe, info.word)), "{}", info.example);
        }
    }
}
