//! Bulletins to groups outside: `[bulletins.NAME]` of the gateway's file. A text with the alarm's title and building.

use super::Notice;

/// A text is no longer than a message of a group robot may be, characters.
const CHARS_MAX: usize = 500;
/// What it may name.
const FIELDS: [&str; 4] = ["{title}", "{title_en}", "{place}", "{place_en}"];

/// The text, filled in.
pub(super) fn words(text: &str, notice: &Notice) -> String {
    let values = [&notice.title.zh, &notice.title.en, &notice.place.zh, &notice.place.en];
    FIELDS.iter().zip(values).fold(text.to_owned(), |text, (field, value)| text.replace(field, value))
}

/// What is wrong with a text.
///
/// # Errors
/// In words, with what may stand there.
pub fn check(text: &str) -> Result<(), String> {
    let chars = text.chars().count();
    let bare = FIELDS.iter().fold(text.to_owned(), |text, field| text.replace(field, ""));
    match () {
        () if text.trim().is_empty() => Err("says nothing".into()),
        () if chars > CHARS_MAX => Err(format!("has {chars} characters; a group reads at most {CHARS_MAX}")),
        () if bare.contains(['{', '}']) => {
            Err(format!("names something unknown in braces; there are {}", FIELDS.join(", ")))
        }
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_the_building_and_nothing_that_is_not_there() {
        assert_eq!(check("{place}因{title}停水，预计两小时"), Ok(()));
        assert!(check("{name}，你好").is_err_and(|words| words.contains("{place}")));
        assert!(check(" ").is_err() && check(&"水".repeat(501)).is_err());
        assert_eq!(check(&"水".repeat(500)), Ok(()));
    }
}
