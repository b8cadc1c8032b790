//! zkCli's commands for quotas: the nodes below `/zookeeper/quota`, written and read one by one. Source: `SetQuotaCommand`, `ListQuotaCommand`,
//! `DelQuotaCommand`. What they do: [`crate::tree::StatsTrack`].

use super::{Shell, print};
use crate::proto::{Acl, Answer, Bytes, Command, CreateForm, CreateMode, ErrorCode, Op, Path, parent_path};
use crate::tree::{BYTE_HARD_LIMIT, BYTES, COUNT, COUNT_HARD_LIMIT, QUOTA, StatsTrack, limited_by, limits_of, stats_of};

/// What may be limited, by zkCli's option: the soft limits are small letters.
pub const LIMITS: [(&str, &str); 4] = [("-n", COUNT), ("-b", BYTES), ("-N", COUNT_HARD_LIMIT), ("-B", BYTE_HARD_LIMIT)];

/// A quota that is to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// One of [`LIMITS`].
    pub name: &'static str,
    pub value: i64,
}

impl Limit {
    /// What zkCli has against the number.
    fn mistake(self) -> Option<&'static str> {
        match self.name {
            COUNT | COUNT_HARD_LIMIT if self.value <= 0 => Some("the num quota must be greater than zero"),
            BYTES | BYTE_HARD_LIMIT if self.value < 0 => Some("the bytes quota must be greater than or equal to zero"),
            _ => None,
        }
    }
}

impl Shell {
    /// `setquota`: a node may have one that neither a node above it nor one below it has.
    pub(super) fn set_quota(&mut self, client: u32, path: &Path, limit: Limit, out: &mut String) -> Result<(), String> {
        if path.starts_with(QUOTA) {
            return Err(format!("cannot set a quota under the path: {QUOTA}"));
        }
        if let Some(mistake) = limit.mistake() {
            return Err(mistake.into());
        }
        if !self.is_there(client, path)? {
            return Err(format!("{path} does not exist."));
        }
        self.no_quota_below(client, path)?;
        self.no_quota_above(client, path)?;
        for (end, _) in path.match_indices('/').skip(1).chain([(path.len(), "")]) {
            let place = format!("{QUOTA}{}", &path[..end]).into();
            if !self.is_there(client, &place)? {
                self.make(client, &place, None)?;
            }
        }
        let (limits_path, stats_path) = (Path::from(limits_of(path)), Path::from(stats_of(path)));
        if self.is_there(client, &limits_path)? {
            let mut limits = self.track(client, &limits_path)?;
            limits.set(limit.name, limit.value);
            *out += &warnings(&limits, &self.track(client, &stats_path)?);
            return self.must(client, Op::SetData { path: limits_path, data: Some(limits.to_bytes()), version: -1 }).map(drop);
        }
        let mut limits = StatsTrack::default();
        LIMITS.iter().for_each(|(_, name)| limits.set(name, -1));
        limits.set(limit.name, limit.value);
        self.make(client, &limits_path, Some(limits.to_bytes()))?;
        let mut stats = StatsTrack::default();
        [COUNT, BYTES].iter().for_each(|name| stats.set(name, 0));
        self.make(client, &stats_path, Some(stats.to_bytes()))?;
        let (limits, stats) = (self.track(client, &limits_path)?, self.track(client, &stats_path)?);
        *out += &warnings(&limits, &stats);
        Ok(())
    }

    /// `listquota`.
    pub(super) fn list_quota(&mut self, client: u32, path: &Path, out: &mut String) -> Result<(), String> {
        let limits = Path::from(limits_of(path));
        *out += &format!("absolute path is {limits}\n");
        let [limits, stats] = [limits, stats_of(path).into()].map(|place| self.track_if_there(client, &place));
        let (Some(limits), Some(stats)) = (limits?, stats?) else { return Err(format!("quota for {path} does not exist.")) };
        *out += &format!("Output quota for {path} {limits}\nOutput stat for {path} {stats}\n");
        Ok(())
    }

    /// `delquota`: one limit, or without any the whole of it, with the nodes above that lead to nothing else.
    pub(super) fn delete_quota(&mut self, client: u32, path: &Path, limit: Option<&'static str>, out: &mut String) -> Result<(), String> {
        let limits_path = Path::from(limits_of(path));
        if !self.is_there(client, &limits_path)? {
            *out += &format!("Quota does not exist for {path}\n");
            return Ok(());
        }
        if let Some(name) = limit {
            let mut limits = self.track(client, &limits_path)?;
            limits.set(name, -1);
            return self.must(client, Op::SetData { path: limits_path, data: Some(limits.to_bytes()), version: -1 }).map(drop);
        }
        let place = Path::from(format!("{QUOTA}{path}"));
        for name in self.children(client, &place)? {
            self.must(client, Op::Delete { path: format!("{place}/{name}").into(), version: -1 })?;
        }
        let mut next: &str = &place;
        while next != QUOTA && self.children(client, &next.into())?.is_empty() {
            self.must(client, Op::Delete { path: next.into(), version: -1 })?;
            next = parent_path(next).unwrap_or(QUOTA);
        }
        Ok(())
    }

    fn no_quota_below(&mut self, client: u32, path: &Path) -> Result<(), String> {
        let own = Path::from(format!("{QUOTA}{path}"));
        if !self.is_there(client, &own)? {
            return Ok(());
        }
        let mut below = None;
        self.visit(client, &own, false, &mut |_, place| {
            below = below.take().or_else(|| limited_by(place).filter(|limited| **limited != **path).map(String::from));
            Ok(())
        })?;
        below.map_or(Ok(()), |below| Err(format!("{path} has a child {below} which has a quota")))
    }

    fn no_quota_above(&mut self, client: u32, path: &Path) -> Result<(), String> {
        for (end, _) in path.match_indices('/').skip(1) {
            let above = &path[..end];
            if self.is_there(client, &limits_of(above).into())? {
                return Err(format!("{path} has a parent {above} which has a quota"));
            }
        }
        Ok(())
    }

    fn is_there(&mut self, client: u32, path: &Path) -> Result<bool, String> {
        match self.request(client, &Command::Request(Op::Exists { path: path.clone(), watch: false }))? {
            Ok(_) => Ok(true),
            Err(ErrorCode::NoNode) => Ok(false),
            Err(code) => Err(print::failure(path, code)),
        }
    }

    fn make(&mut self, client: u32, path: &Path, data: Option<Bytes>) -> Result<(), String> {
        let op = Op::Create { form: CreateForm::Create, path: path.clone(), data, acl: Acl::open(), mode: CreateMode::Persistent };
        self.must(client, op).map(drop)
    }

    fn children(&mut self, client: u32, path: &Path) -> Result<Vec<Path>, String> {
        match self.must(client, Op::GetChildren { path: path.clone(), watch: false })? {
            Answer::Children(names) => Ok(names.to_vec()),
            _ => Ok(Vec::new()),
        }
    }

    fn track(&mut self, client: u32, path: &Path) -> Result<StatsTrack, String> {
        self.track_if_there(client, path)?.ok_or_else(|| print::failure(path, ErrorCode::NoNode))
    }

    fn track_if_there(&mut self, client: u32, path: &Path) -> Result<Option<StatsTrack>, String> {
        match self.request(client, &Command::Request(Op::GetData { path: path.clone(), watch: false }))? {
            Ok(Answer::Data { data, .. }) => Ok(Some(StatsTrack::read(data.as_deref()))),
            Ok(_) | Err(ErrorCode::NoNode) => Ok(None),
            Err(code) => Err(print::failure(path, code)),
        }
    }
}

/// A quota may be less than there is.
fn warnings(limits: &StatsTrack, stats: &StatsTrack) -> String {
    let warning = |(word, soft, hard): (&str, &str, &str)| {
        let now = stats.get(soft);
        let is_less = [soft, hard].iter().any(|name| limits.limit(name).is_some_and(|limit| limit < now));
        is_less.then(|| format!("[Warning]: the {word} quota you create is less than the existing {word}:{now}\n"))
    };
    [("count", COUNT, COUNT_HARD_LIMIT), ("bytes", BYTES, BYTE_HARD_LIMIT)].into_iter().filter_map(warning).collect()
}
