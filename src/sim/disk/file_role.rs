//! How a fault names the file it is about.

use std::fmt;

use crate::proto::FileName;

/// A file by name, or by the part it plays when the fault takes effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileRole {
    /// `log.newest`: the transaction log with the highest zxid in its name.
    NewestLog,
    /// `snapshot.newest`: likewise.
    NewestSnapshot,
    /// A whole name, or its last part: `currentEpoch` means `version-2/currentEpoch`.
    Named(FileName),
}

impl FileRole {
    pub fn parse(word: &str) -> Result<FileRole, String> {
        match word {
            "log.newest" => return Ok(FileRole::NewestLog),
            "snapshot.newest" => return Ok(FileRole::NewestSnapshot),
            _ => {}
        }
        let last_part = last_part(word);
        if last_part.is_empty() || word.starts_with('@') {
            return Err(format!("`{word}` is not a file: log.newest, snapshot.newest or a name such as currentEpoch"));
        }
        for family in ["log.", "snapshot."] {
            if last_part.starts_with(family) && zxid_in_name(last_part, family).is_none() {
                return Err(format!("`{word}` is not a file: after `{family}` comes newest or a zxid in hexadecimal digits"));
            }
        }
        Ok(FileRole::Named(word.into()))
    }

    /// The file of this role among `names`, `None` when nobody has it.
    pub fn find<'a>(&self, names: impl Iterator<Item = &'a FileName>) -> Option<&'a FileName> {
        match self {
            FileRole::NewestLog => newest(names, "log."),
            FileRole::NewestSnapshot => newest(names, "snapshot."),
            FileRole::Named(wanted) => {
                let mut names = names.filter(|name| ends_with_path(name, wanted)).collect::<Vec<_>>().into_iter();
                let first = names.next();
                names.find(|name| *name == wanted).or(first)
            }
        }
    }
}

impl fmt::Display for FileRole {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(match self {
            FileRole::NewestLog => "log.newest",
            FileRole::NewestSnapshot => "snapshot.newest",
            FileRole::Named(name) => name,
        })
    }
}

fn newest<'a>(names: impl Iterator<Item = &'a FileName>, family: &str) -> Option<&'a FileName> {
    let zxid = |name: &&FileName| zxid_in_name(last_part(name), family);
    names.filter(|name| !name.ends_with(".tmp") && zxid(name).is_some()).max_by_key(zxid)
}

/// The number after `family`, up to a further extension (`snapshot.1f.gz`).
fn zxid_in_name(last_part: &str, family: &str) -> Option<u64> {
    let digits = last_part.strip_prefix(family)?.split('.').next()?;
    let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(digits, 16).ok().filter(|_| hexadecimal)
}

fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn ends_with_path(name: &str, tail: &str) -> bool {
    name.strip_suffix(tail).is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(role: &str) -> Option<FileName> {
        let names = ["currentEpoch.tmp", "version-2/currentEpoch", "version-2/log.100000001", "version-2/log.ff", "version-2/snapshot.1f.gz"]
            .map(FileName::from)
            .to_vec();
        FileRole::parse(role).unwrap().find(names.iter()).cloned()
    }

    #[test]
    fn roles_find_their_file() {
        assert_eq!(find("log.newest").as_deref(), Some("version-2/log.100000001"), "by number, not by letters");
        assert_eq!(find("snapshot.newest").as_deref(), Some("version-2/snapshot.1f.gz"));
        assert_eq!(find("currentEpoch").as_deref(), Some("version-2/currentEpoch"));
        assert_eq!(find("version-2/log.ff").as_deref(), Some("version-2/log.ff"));
        assert_eq!(find("Epoch"), None, "a whole part of the name");
        assert_eq!(find("log.2"), None);
    }

    #[test]
    fn words_that_are_no_file_are_refused() {
        for word in ["", "@byte:1", "version-2/", "log.oldest", "log.", "snapshot.zz", "log.+1"] {
            assert!(FileRole::parse(word).is_err(), "{word}");
        }
    }
}
