//! Names of sequential nodes, whatever stands before the number.

use crate::proto::Path;

/// Digits of the number at the end.
const DIGITS: usize = 10;

/// The number that the leader gave; `None`: the node is none of the line.
pub fn sequence(name: &str) -> Option<i64> {
    let at = name.len().checked_sub(DIGITS)?;
    let number = name.get(at..)?.parse::<i64>().ok()?;
    Some(number)
}

/// What stands before the number.
pub fn label(name: &str) -> &str {
    name.len().checked_sub(DIGITS).and_then(|at| name.get(..at)).unwrap_or("")
}

/// The names of the line in the order of their numbers: prefixes differ, so that names alone do not tell (recipes reference §0.4).
pub fn in_order(names: &[Path]) -> Vec<&Path> {
    let mut line: Vec<(i64, &Path)> = names.iter().filter_map(|name| sequence(name).map(|number| (number, name))).collect();
    line.sort_unstable();
    line.into_iter().map(|(_, name)| name).collect()
}

/// A child's path.
pub fn child(parent: &Path, name: &str) -> Path {
    format!("{}/{name}", parent.trim_end_matches('/')).into()
}

/// The last part of a path.
pub fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_order_names_and_prefixes_do_not() {
        let names: Vec<Path> = ["_c_b-lock-0000000002", "x", "_c_a-lock-0000000010", "lock-0000000001"].map(Path::from).to_vec();
        let line: Vec<&str> = in_order(&names).into_iter().map(|name| &**name).collect();
        assert_eq!(line, ["lock-0000000001", "_c_b-lock-0000000002", "_c_a-lock-0000000010"]);
    }

    #[test]
    fn a_label_is_what_stands_before_the_number() {
        assert_eq!(label("_c_a-read-0000000007"), "_c_a-read-");
        assert_eq!(label("0000000007"), "");
        assert_eq!(label("x"), "");
    }

    #[test]
    fn what_has_no_number_is_none_of_the_line() {
        for name in ["", "ready", "lock-000000001x", "ä000000001"] {
            assert_eq!(sequence(name), None, "{name}");
        }
        assert_eq!(sequence("n-2147483647"), Some(i64::from(i32::MAX)));
    }
}
