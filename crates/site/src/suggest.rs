//! "Did you mean": the known name nearest to a misspelt one.

/// The nearest of `known`, if it is near enough to be what was meant: one edit in three characters, at most
/// three. Letter case and blanks do not count.
pub(crate) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = fold(found);
    let length = found.chars().count();
    let limit = (length / 3).clamp(1, 3);
    known
        .into_iter()
        .filter(|name| name.chars().count().abs_diff(length) <= limit)
        .map(|name| (strsim::osa_distance(&found, &fold(name)), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

fn fold(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_finds_its_name() {
        assert_eq!(nearest("plcae", ["id", "place", "purpose"]), Some("place"));
        assert_eq!(nearest("Cover/17", ["cover/71", "cover/17"]), Some("cover/17"));
        assert_eq!(nearest("wv", ["wu", "li"]), Some("wu"));
    }

    #[test]
    fn something_else_altogether_finds_nothing() {
        assert_eq!(nearest("telephone", ["id", "place"]), None);
        assert_eq!(nearest("li", ["chen", "zhang"]), None);
        assert_eq!(nearest("", ["wu"]), None);
        // Four edits are another word, however long both are.
        assert_eq!(nearest("lift-camera-of-unit", ["lift-camera-of-home"]), None);
    }
}
