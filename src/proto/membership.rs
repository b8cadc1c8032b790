//! The server list, its text, and what a client may ask to become of it. Source: `QuorumVerifier`, `QuorumPeer.QuorumServer`,
//! `QuorumPeerConfig.parseDynamicConfig`.
//!
//! A server's address is its name: server 4 is at s4, on the ports that everybody uses. Another one is refused.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::Arc;

use super::{LearnerType, ServerId, Zxid, bytes_as_words};

/// The node that holds the configuration in force. Source: `ZooDefs.CONFIG_NODE`.
pub const CONFIG_NODE: &str = "/zookeeper/config";

/// One line `server.N=…` with what `group.*` and `weight.*` say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub role: LearnerType,
    /// Say of this server in its group; zero: it never leads and is never counted. 1 unless `weight.N` is set.
    pub weight: u32,
    /// `group.G` it belongs to; `None` for all members when quorums are plain majorities.
    pub group: Option<u32>,
}

/// The server list, as every member knows it. Source: `QuorumVerifier`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The zxid of the reconfiguration that made it, or of the NEWLEADER that confirmed the first one; 0 for a list that nobody has confirmed.
    pub version: i64,
    pub members: BTreeMap<ServerId, Member>,
}

/// A text that is no server list, or no part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecError {
    /// `ConfigException`: the client is told BadArguments.
    Malformed,
    /// `NumberFormatException` and the like, which nobody expects: the client is told MarshallingError.
    Unexpected,
}

/// What a client asks to become of the membership: either changes of it, or another one. Source: `ReconfigRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconfiguration {
    /// `server.4=s4:2888:3888:participant;2181`, with commas between them: servers that join, or get another role.
    pub joining: Option<Arc<str>>,
    /// Numbers of servers that leave, with commas between them.
    pub leaving: Option<Arc<str>>,
    /// All members, in the form of `joining`; commas or line ends between them.
    pub members: Option<Arc<str>>,
    /// The version of the configuration that is to be changed; -1 for any.
    pub version: i64,
}

impl Member {
    /// A member of weight 1 in no group.
    pub const fn plain(role: LearnerType) -> Member {
        Member { role, weight: 1, group: None }
    }
}

impl Membership {
    /// `voters` participants s1, s2, … followed by `observers` observers, all of weight 1.
    pub fn of(voters: u32, observers: u32) -> Membership {
        let member = |number: u32| {
            let role = if number <= voters { LearnerType::Participant } else { LearnerType::Observer };
            (ServerId(i64::from(number)), Member::plain(role))
        };
        Membership { version: 0, members: (1..=voters + observers).map(member).collect() }
    }

    /// The participants, by id.
    pub fn voters(&self) -> impl Iterator<Item = ServerId> {
        self.members.iter().filter(|(_, member)| member.role == LearnerType::Participant).map(|(id, _)| *id)
    }

    pub fn is_voter(&self, id: ServerId) -> bool {
        self.role_of(id) == Some(LearnerType::Participant)
    }

    /// What a server is in it; `None` for one that is not listed.
    pub fn role_of(&self, id: ServerId) -> Option<LearnerType> {
        self.members.get(&id).map(|member| member.role)
    }

    /// Whether quorums are hierarchical: any `group.*` or `weight.*` key exists.
    pub fn is_hierarchical(&self) -> bool {
        self.members.values().any(|member| member.group.is_some())
    }

    /// Whether both list the same servers in the same roles; of one version they are the same anyhow. Source: `QuorumMaj.equals`.
    pub fn is_like(&self, other: &Membership) -> bool {
        self.version == other.version || self.members == other.members
    }

    /// The same list under another version.
    pub fn with_version(&self, version: Zxid) -> Membership {
        Membership { version: version.0, members: self.members.clone() }
    }

    /// The text that rides along in every notification, and is the data of [`CONFIG_NODE`]. Source: `QuorumMaj.toString`,
    /// `QuorumHierarchical.toString`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (id, member) in &self.members {
            let _ = writeln!(text, "server.{}={}", id.0, spec(*id, member.role, "0.0.0.0:2181"));
        }
        if self.is_hierarchical() {
            self.write_groups(&mut text);
        }
        let _ = write!(text, "version={:x}", self.version);
        text
    }

    fn write_groups(&self, text: &mut String) {
        let mut groups: BTreeMap<u32, String> = BTreeMap::new();
        for (id, member) in &self.members {
            let Some(group) = member.group else { continue };
            let ids = groups.entry(group).or_default();
            let _ = write!(ids, "{}{}", if ids.is_empty() { "" } else { ":" }, id.0);
        }
        for (group, ids) in &groups {
            let _ = writeln!(text, "group.{group}={ids}");
        }
        for (id, member) in self.members.iter().filter(|(_, member)| member.group.is_some()) {
            let _ = writeln!(text, "weight.{}={}", id.0, member.weight);
        }
    }

    /// Reads what [`Membership::text`] writes, or a client sends. Source: `QuorumPeerConfig.parseDynamicConfig`.
    pub fn parse(text: &str) -> Result<Membership, SpecError> {
        let mut membership = Membership { version: 0, members: BTreeMap::new() };
        let (mut groups, mut weights) = (Vec::new(), Vec::new());
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (key, value) = line.split_once('=').ok_or(SpecError::Malformed)?;
            match key.split_once('.') {
                Some(("server", id)) => drop(membership.members.insert(number(id)?, member(number(id)?, value)?)),
                Some(("group", group)) => groups.push((group.parse().map_err(|_| SpecError::Unexpected)?, value)),
                Some(("weight", id)) => weights.push((number(id)?, value.parse().map_err(|_| SpecError::Unexpected)?)),
                None if key == "version" => membership.version = i64::from_str_radix(value, 16).map_err(|_| SpecError::Unexpected)?,
                _ => return Err(SpecError::Malformed),
            }
        }
        if !(groups.is_empty() && weights.is_empty()) {
            membership.put_in_groups(&groups, &weights)?;
        }
        Ok(membership)
    }

    /// Every participant in one group.
    fn put_in_groups(&mut self, groups: &[(u32, &str)], weights: &[(ServerId, u32)]) -> Result<(), SpecError> {
        for (group, ids) in groups {
            for id in ids.split(':') {
                let member = self.members.get_mut(&number(id)?).filter(|member| member.group.is_none()).ok_or(SpecError::Malformed)?;
                member.group = Some(*group);
            }
        }
        for (id, weight) in weights {
            self.members.get_mut(id).ok_or(SpecError::Malformed)?.weight = *weight;
        }
        let outside = self.members.values().any(|member| member.role == LearnerType::Participant && member.group.is_none());
        if outside { Err(SpecError::Malformed) } else { Ok(()) }
    }

    /// A whole list is refused when it has observers and nobody, or only one, to be observed. Source: `QuorumPeerConfig.parseDynamicConfig`.
    pub fn with_enough_voters(self) -> Result<Membership, SpecError> {
        let (voters, all) = (self.voters().count(), self.members.len());
        if voters < 2 && all > voters { Err(SpecError::Unexpected) } else { Ok(self) }
    }

    /// The list with these changes, under the version of the one it is made from. Those that leave go first: who is in both lists stays, with
    /// what is said of it in the second. Source: `PrepRequestProcessor.pRequest2Txn`, the incremental reconfiguration.
    pub fn changed(&self, joining: Option<&str>, leaving: Option<&str>) -> Result<Membership, SpecError> {
        let mut next = self.clone();
        for id in leaving.into_iter().flat_map(listed) {
            next.members.remove(&ServerId(id.parse().map_err(|_| SpecError::Unexpected)?));
        }
        for joiner in joining.into_iter().flat_map(listed) {
            let (name, spec) = joiner.split_once('=').ok_or(SpecError::Malformed)?;
            let id = number(name.rsplit('.').next().unwrap_or(name))?;
            // Both ports between servers and the one for clients.
            if !spec.contains(';') {
                return Err(SpecError::Malformed);
            }
            next.members.insert(id, member(id, spec)?);
        }
        Ok(next)
    }
}

/// As it is said of a server on a command line: `s4:2888:3888:participant;2181`.
pub fn server_spec(id: ServerId, role: LearnerType) -> String {
    spec(id, role, "2181")
}

fn spec(id: ServerId, role: LearnerType, client: &str) -> String {
    let role = if role == LearnerType::Participant { "participant" } else { "observer" };
    format!("{id}:2888:3888:{role};{client}")
}

/// Items with commas or blanks around them; empty ones are none. Source: `StringUtils.split`.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn number(text: &str) -> Result<ServerId, SpecError> {
    let id = text.parse().map_err(|_| SpecError::Unexpected)?;
    if (1..=255).contains(&id) { Ok(ServerId(id)) } else { Err(SpecError::Malformed) }
}

/// What follows `server.N=`: the server's own address, perhaps its role, perhaps its address for clients. Source: `QuorumServer`.
fn member(id: ServerId, spec: &str) -> Result<Member, SpecError> {
    let (servers, client) = spec.split_once(';').map_or((spec, None), |(servers, client)| (servers, Some(client)));
    let own_port = |client: &str| matches!(client.rsplit_once(':').map_or(("", client), |parts| parts), ("" | "0.0.0.0", "2181"));
    if client.is_some_and(|client| !own_port(client) && client != format!("{id}:2181")) {
        return Err(SpecError::Malformed);
    }
    let rest = servers.strip_prefix(&format!("{id}:2888:3888")).ok_or(SpecError::Malformed)?;
    let role = match rest.to_ascii_lowercase().as_str() {
        "" | ":participant" => LearnerType::Participant,
        ":observer" => LearnerType::Observer,
        _ => return Err(SpecError::Malformed),
    };
    Ok(Member::plain(role))
}

/// `1:5: s1 s2 s4, s5 observes`, after the zxid that is its version.
impl fmt::Display for Membership {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let named = |role: LearnerType| {
            let ids = self.members.iter().filter(|(_, member)| member.role == role);
            ids.map(|(id, _)| id.to_string()).collect::<Vec<_>>()
        };
        write!(out, "{}: {}", Zxid(self.version), named(LearnerType::Participant).join(" "))?;
        match named(LearnerType::Observer).as_slice() {
            [] => Ok(()),
            [only] => write!(out, ", {only} observes"),
            several => write!(out, ", {} observe", several.join(" ")),
        }
    }
}

impl serde::Serialize for Membership {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl Reconfiguration {
    /// The three lists.
    const fn lists(&self) -> [&Option<Arc<str>>; 3] {
        [&self.joining, &self.leaving, &self.members]
    }

    /// Bytes of the record: a string that is not there is its length, -1.
    pub fn size(&self) -> u32 {
        8 + self.lists().map(|list| 4 + list.as_ref().map_or(0, |text| text.len() as u32)).iter().sum::<u32>()
    }

    /// All that it says as 64-bit values, for the digest.
    pub fn words(&self, word: &mut impl FnMut(u64)) {
        word(self.version as u64);
        for list in self.lists() {
            word(u64::from(list.is_some()));
            bytes_as_words(list.as_deref().unwrap_or_default().as_bytes(), &mut *word);
        }
    }
}

/// As zkCli is told: `reconfig -v 100000005 -remove 3 -add server.4=…`.
impl fmt::Display for Reconfiguration {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "reconfig")?;
        if self.version != -1 {
            write!(out, " -v {:x}", self.version)?;
        }
        for (option, list) in [("-remove", &self.leaving), ("-add", &self.joining), ("-members", &self.members)] {
            list.iter().try_for_each(|text| write!(out, " {option} {text}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouped() -> Membership {
        let mut membership = Membership::of(4, 1);
        for (id, member) in membership.members.iter_mut().take(4) {
            (member.group, member.weight) = (Some((id.0 as u32 - 1) / 2), id.0 as u32 - 1);
        }
        membership.with_version(Zxid::new(3, 7))
    }

    #[test]
    fn a_text_reads_back() {
        for membership in [Membership::of(3, 0), Membership::of(1, 4).with_version(Zxid::new(1, 0xa)), grouped()] {
            assert_eq!(Membership::parse(&membership.text()), Ok(membership));
        }
        assert_eq!(
            Membership::of(1, 1).with_version(Zxid::new(1, 0xa)).text(),
            "server.1=s1:2888:3888:participant;0.0.0.0:2181\nserver.2=s2:2888:3888:observer;0.0.0.0:2181\nversion=10000000a"
        );
    }

    #[test]
    fn a_server_is_at_its_own_address() {
        use SpecError::{Malformed, Unexpected};
        for (line, error) in [
            ("server.4=s4:2888:3888;2182", Malformed),
            ("server.4=s5:2888:3888;2181", Malformed),
            ("server.4=s4:2888", Malformed),
            ("server.4=s4:2888:3888:boss;2181", Malformed),
            ("server.x=s4:2888:3888;2181", Unexpected),
            ("server.0=s0:2888:3888;2181", Malformed),
            ("servers", Malformed),
            ("group.1=1", Malformed),
            ("peers.1=s1:2888:3888", Malformed),
        ] {
            assert_eq!(Membership::parse(line), Err(error), "{line}");
        }
        for line in ["server.4=s4:2888:3888", "server.4=s4:2888:3888:PARTICIPANT;s4:2181"] {
            assert_eq!(Membership::parse(line).map(|it| it.voters().collect::<Vec<_>>()), Ok(vec![ServerId(4)]), "{line}");
        }
    }

    #[test]
    fn some_join_and_some_leave() {
        let told = |joining: Option<&str>, leaving: Option<&str>| Membership::of(3, 1).changed(joining, leaving).map(|it| it.to_string());
        assert_eq!(told(Some("server.5=s5:2888:3888:observer;2181"), Some("1, 2")), Ok("0:0: s3, s4 s5 observe".into()));
        assert_eq!(told(Some("4=s4:2888:3888;2181"), None), Ok("0:0: s1 s2 s3 s4".into()), "an observer becomes a voter");
        assert_eq!(told(Some("3=s3:2888:3888:observer;2181"), Some("3")), Ok("0:0: s1 s2, s3 s4 observe".into()), "who leaves and joins, stays");
        assert_eq!(told(None, Some("99")), Ok("0:0: s1 s2 s3, s4 observes".into()), "a stranger cannot leave");
        assert_eq!(told(Some("5=s5:2888:3888"), None), Err(SpecError::Malformed), "no port for clients");
        assert_eq!(told(None, Some("s1")), Err(SpecError::Unexpected));
    }

    #[test]
    fn a_request_is_the_sum_of_its_lists() {
        let request = Reconfiguration { leaving: Some("1,2".into()), version: 0x1_0000_0005, ..Reconfiguration::default() };
        assert_eq!((request.size(), request.to_string().as_str()), (4 + 7 + 4 + 8, "reconfig -v 100000005 -remove 1,2"));
    }
}
