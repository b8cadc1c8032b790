//! The file as it is written: every key with its JSON type. The JSON Schema is derived from these types, the reader checks the shape
//! of a file against that schema, and the writer fills them in, so that none of the three can drift.
//!
//! Doc comments here are the schema's descriptions. Texts with a grammar of their own are plain text here and read later.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A run of a simulated ZooKeeper ensemble: who takes part, what happens when, what must be true.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "zoolab scenario")]
pub struct ScenarioFile {
    /// Where the JSON Schema of this file is; for editors, ignored here.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// What happens, in one line.
    pub title: String,
    /// Why it happens: the rule of ZooKeeper behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Where the rule or the story is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Anything else worth knowing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Seed of every random stream; 1 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    pub ensemble: EnsembleFile,
    /// How members start, where that differs from empty disks at time zero.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub servers: BTreeMap<ServerName, ServerFile>,
    #[serde(default, skip_serializing_if = "TimingFile::is_default")]
    pub timing: TimingFile,
    /// Clients by name (c1). Steps tell them what to do, workloads keep them busy.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clients: BTreeMap<ClientName, ClientFile>,
    /// What clients do in a loop, by a name of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub workloads: BTreeMap<String, WorkloadFile>,
    /// Known bugs that are switched on, by name (ZK-1419), or 3.9.5 for the open defects of that release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bugs: Vec<String>,
    /// What happens, in the order in which it happens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepFile>,
    /// How long the run is, recovery not counted.
    pub run: TimeText,
    /// Whether the ensemble must recover after the run, once everything is quiet; true unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recover: Option<bool>,
    /// How long the recovery may take, when that is the point: otherwise a bound that follows from the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recover_within: Option<TimeText>,
    pub expect: ExpectFile,
}

/// What all members share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnsembleFile {
    /// How many voters there are (s1, s2, …), or every member with its role. Not with a zoo.cfg that lists servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub servers: Option<MembersFile>,
    /// How many observers follow them in the numbering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observers: Option<u32>,
    /// Servers outside the membership, with the role that they give themselves: each boots with a list of all members and itself, and may be
    /// added by `reconfig` (`reconfigEnabled`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub joining: BTreeMap<ServerName, RoleName>,
    /// Settings by the names they have in zoo.cfg or as system properties (without `zookeeper.`), group.* and weight.* among them.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    #[schemars(with = "BTreeMap<String, SettingValue>")]
    pub config: serde_json::Map<String, Value>,
    /// The text of a real zoo.cfg.
    #[serde(rename = "zoo.cfg", default, skip_serializing_if = "Option::is_none")]
    pub zoo_cfg: Option<String>,
    /// Which release clients see, where that makes a difference; 3.9 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionName>,
    /// Whether a server that ends by itself is started again; false unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervise: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MembersFile {
    Count(u32),
    Named(BTreeMap<ServerName, RoleName>),
}

/// A setting's value, as in zoo.cfg.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SettingValue {
    Number(i64),
    Switch(bool),
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum VersionName {
    #[serde(rename = "3.8")]
    V3_8,
    #[serde(rename = "3.9")]
    V3_9,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleName {
    Participant,
    Observer,
}

/// How one member starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerFile {
    /// Last zxid of its log, epoch:counter in decimal; -1 for a database that is not trusted; 0:0 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Its currentEpoch; the epoch of `last` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// Its acceptedEpoch; the same as `epoch` unless given.
    #[serde(rename = "acceptedEpoch", default, skip_serializing_if = "Option::is_none")]
    pub accepted_epoch: Option<u32>,
    /// When it boots; false: not before a step starts it; 0us unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<StartFile>,
    /// The role in its own zoo.cfg, when that differs from the server list.
    #[serde(rename = "peerType", default, skip_serializing_if = "Option::is_none")]
    pub peer_type: Option<RoleName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockFile>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StartFile {
    At(TimeText),
    /// Only `false` makes sense.
    Switch(bool),
}

/// A node's own clocks, compared with the world's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockFile {
    /// How far its wall clock is off at the start: 5s, -1.5ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<String>,
    /// Microseconds that both its clocks gain (or lose) in a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_ppm: Option<i32>,
}

/// How long the world takes for things.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimingFile {
    /// A packet on its way; 1ms..10ms unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<SpanText>,
    /// A thread that is woken up; 0us..100us unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<SpanText>,
    /// Reading a file; 0us unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<SpanText>,
    /// Writing into the page cache; 0us unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<SpanText>,
    /// Forcing a file to the device; 1ms..5ms unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fsync: Option<SpanText>,
    /// Creating, renaming, truncating, deleting a file; 0us unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<SpanText>,
    /// How long sent bytes may stay unacknowledged before their connection breaks; 924.6s (Linux) unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retransmission: Option<TimeText>,
    /// How long a supervisor waits before it starts a process again that ended; 1s unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<TimeText>,
    /// More wake-ups than this in one instant are a livelock and the verdict is stuck; 100000 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub wakeups_per_instant: Option<u32>,
    /// Bytes that one direction of a connection takes before a write blocks; 4194304 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1024))]
    pub window: Option<u32>,
    /// How many datagrams get lost on every link (electionAlg 0): 2.5%. None unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<String>,
}

impl TimingFile {
    fn is_default(&self) -> bool {
        *self == TimingFile::default()
    }
}

/// A client, as the Java client is one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientFile {
    /// The server that it tries first, and then the others in turn; or a list of the only ones that it tries. All, in an order that is drawn,
    /// unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<ConnectFile>,
    /// The session timeout that it asks for; 30s (as zkCli) unless given. Servers have limits: 2 and 20 ticks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeText>,
    /// Whether it also takes a server that found no leader (`readonlymode.enabled`), and only reads there; false unless given.
    #[serde(rename = "canBeReadOnly", default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// As the property of this name: the client does not set its watches again when it is back; false unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_auto_watch_reset: Option<bool>,
    /// When it starts, and begins to connect; false: not before a step starts it; 0us unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<StartFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockFile>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ConnectFile {
    First(String),
    Only(Vec<String>),
}

/// Requests in a loop, for which it first creates the nodes that it needs, and no two writes of which have the same data; or rounds of lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadFile {
    /// Who makes the requests: clients by name, or so many clients of its own, numbered behind all others. 1 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<WorkersFile>,
    /// How many requests each of them makes, or rounds it goes; as many as there is time for unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub count: Option<u64>,
    /// How often each of them makes one, whatever became of those before: 100/s, 5/min. Each waits for the answer to its last one unless given. A
    /// round begins at that pace, but not before the last is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// When the first requests are made; 0us unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<TimeText>,
    /// From when on no more are made; the end of the run unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<TimeText>,
    /// What each of them does in a round: requests and recipes as steps tell them, without the client's name, each when the one before has come
    /// to its end, whatever that was; or sleep 20ms. When its session ends, it connects again and goes on with the next round. Not with `mix`.
    #[serde(rename = "do", default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<String>>,
    /// What is asked how often, compared with the others; nothing but set unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix: Option<MixFile>,
    /// How many nodes are written and read (k0, k1, …); 10 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub keys: Option<u32>,
    /// The node that they are below; / and its own name unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Bytes that each write writes, at least; no more than make it unique unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1_000_000))]
    pub size: Option<u32>,
    /// Whether nothing of it need be acknowledged; false unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum WorkersFile {
    Count(u32),
    Named(Vec<String>),
}

/// Weights of the kinds of requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MixFile {
    /// A new node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<u32>,
    /// The oldest node that the client created; another create when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub get: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stat: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ls: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<u32>,
}

/// An action and what it waits for: exactly one of `at`, `after`, `when`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFile {
    /// A time of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<TimeText>,
    /// So long after the step before it fired; reply: when the client has the answer to that step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<TimeText>,
    /// An event that follows the firing of the step before it: [NODE] KIND [FIELD=VALUE ..] [#NTH].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<PatternText>,
    /// The action, one line of the grammar that `zoolab help steps` prints.
    #[serde(rename = "do")]
    pub action: String,
    /// What a client must be answered: Ok, a path, data, [a, b] for children, or the name of an error; of a multi [/a, Ok], or the part to blame:
    /// BadVersion in part 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<String>,
    /// What a reader should know here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whether the step may fail to fire or to apply; false unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<RepeatFile>,
}

/// The step fires several times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepeatFile {
    /// How often altogether.
    #[schemars(range(min = 2, max = 100_000))]
    pub times: u32,
    /// Time between two firings. Without it the step waits for its event again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<TimeText>,
}

/// What must be true of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectFile {
    /// pass, stuck, or the name (or code) of the invariant that must break; several: any of them. pass unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictFile>,
    /// Events that must occur; #3: at least three times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saw: Vec<PatternText>,
    /// Events that must not occur (#3: not three times).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_saw: Vec<PatternText>,
    /// Who leads when the run ends, before recovery: s3, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<String>,
    /// States of servers when the run ends, before recovery.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub states: BTreeMap<ServerName, StateName>,
    /// Round of the election that made that leader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// Epoch of that leader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// Time from the last step that fired (the start of the run, if none did; what clients are told does not count) to the next established
    /// leader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_leader: Option<SpanText>,
    /// At most so many leaders are established, recovery not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaders_max: Option<u32>,
    /// What the tree must hold in the end, on every server that serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<TreeFile>,
    /// How many requests of a workload must be acknowledged, at least; or rounds, all lines of which came to what they should.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub acked_min: BTreeMap<String, u64>,
}

/// Nodes that must be there, or must not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TreeFile {
    /// Data by path: a text, or bytes in hexadecimal behind 0x.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub present: BTreeMap<String, String>,
    /// Paths of nodes with whatever data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exists: Vec<String>,
    /// Paths without a node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum VerdictFile {
    One(String),
    AnyOf(Vec<String>),
}

/// State of a server, or down when it has no process.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum StateName {
    #[serde(rename = "LOOKING")]
    Looking,
    #[serde(rename = "FOLLOWING")]
    Following,
    #[serde(rename = "LEADING")]
    Leading,
    #[serde(rename = "OBSERVING")]
    Observing,
    #[serde(rename = "down")]
    Down,
}

/// A number with a unit (us, ms, s, min, h), exact to the microsecond: 1234.567ms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TimeText(pub String);

/// Two times, both included (1ms..10ms), or one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SpanText(pub String);

/// A pattern of events: [NODE] KIND [FIELD=VALUE ..] [#NTH].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PatternText(pub String);

/// Declares names that are keys, in the order of their numbers: s2 before s10.
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
            #[serde(transparent)]
            pub struct $name(pub String);

            impl Ord for $name {
                fn cmp(&self, other: &$name) -> Ordering {
                    (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
                }
            }

            impl PartialOrd for $name {
                fn partial_cmp(&self, other: &$name) -> Option<Ordering> {
                    Some(self.cmp(other))
                }
            }
        )*
    };
}

names! {
    /// A server: s1, s2, …
    ServerName
    /// A client: c1, c2, …
    ClientName
}
