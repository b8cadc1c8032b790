//! The name that was probably meant.

/// The candidate most like `name`, when one is like enough to be meant: at most a third of its letters differ. Case does not count.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    // Longer than any name there is: no typing error, and not worth comparing letter by letter.
    if name.len() > 80 {
        return None;
    }
    let scored = candidates.into_iter().map(|candidate| (strsim::osa_distance(&name, &candidate.to_lowercase()), candidate));
    let (distance, candidate) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= candidate.len().max(name.len()).div_ceil(3)).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn typing_errors_are_understood_and_nonsense_is_not() {
        let kinds = ["vote_changed", "vote_counted", "elected"];
        assert_eq!(nearest("vote_chnaged", kinds), Some("vote_changed"));
        assert_eq!(nearest("ELECTED", kinds), Some("elected"));
        assert_eq!(nearest("zzz", kinds), None);
        assert_eq!(nearest(&"elected".repeat(50), kinds), None);
    }
}
