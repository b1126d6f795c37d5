//! Single cells of a CSV file: what to take off them, and what must not be in them.
//!
//! Spreadsheets damage what they open. What looks like it (a place turned into a date, an identity into a power
//! of ten, a formula) is a fault, never a value.

/// Longest cell, in bytes.
const CELL_BYTES_MAX: usize = 256;

/// A cell without what spreadsheets and fingers leave around it. A lone dash or 无 means empty.
pub(crate) fn clean(cell: &str) -> String {
    let invisible = |c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}');
    match cell.trim_matches(invisible) {
        "-" | "—" | "–" | "无" => String::new(),
        text => text.to_owned(),
    }
}

/// Why a cell cannot be taken as it is, if so.
pub(crate) fn what_is_wrong(cell: &str) -> Option<String> {
    if cell.contains('\n') {
        return Some(
            "holds a line break; a closing double quote is missing, or the cell must be on one line".into(),
        );
    }
    if cell.len() > CELL_BYTES_MAX {
        return Some(format!("has {} bytes, more than {CELL_BYTES_MAX}", cell.len()));
    }
    if let Some(first) = cell.chars().next().filter(|c| matches!(c, '=' | '+' | '-' | '@')) {
        return Some(format!(
            "begins with {first:?}: a spreadsheet would run it as a formula; begin with a letter or digit"
        ));
    }
    if cell.chars().any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    {
        return Some("holds an invisible control character; type the cell anew".into());
    }
    damaged(cell).map(|what| format!("{cell:?} looks like {what} that a spreadsheet made of something else; format the column as text (文本) and type it anew"))
}

/// What a spreadsheet makes of `3/2` (2-Mar, 3月2日) and of `24e1` (2.40E+02).
fn damaged(cell: &str) -> Option<&'static str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some((day, rest)) = cell.split_once('月') {
        let date = digits(day) && rest.strip_suffix('日').is_some_and(digits);
        return date.then_some("a date");
    }
    if let Some((left, right)) = cell.split_once('-') {
        let month = |text: &str| MONTHS.iter().any(|name| name.eq_ignore_ascii_case(text));
        let date = digits(left) && month(right) || month(left) && digits(right);
        return date.then_some("a date");
    }
    if let Some((mantissa, exponent)) = cell.split_once("E+") {
        let number = digits(exponent) && mantissa.split('.').all(digits);
        return number.then_some("a power of ten");
    }
    let parts: Vec<&str> = cell.split('/').collect();
    let year =
        |text: &&str| digits(text) && text.len() == 4 && (text.starts_with("19") || text.starts_with("20"));
    let date = parts.len() == 3 && parts.first().is_some_and(year) && parts.iter().all(|part| digits(part));
    date.then_some("a date")
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_or_an_invisible_character_is_refused() {
        for cell in ["=1+1", "+86", "-1", "@x", "a\u{202e}b", "a\tb", "a\nb"] {
            assert!(what_is_wrong(cell).is_some(), "{cell:?}");
        }
        assert!(what_is_wrong(&"x".repeat(CELL_BYTES_MAX + 1)).is_some());
        assert_eq!(what_is_wrong(&"x".repeat(CELL_BYTES_MAX)), None);
    }

    #[test]
    fn what_a_spreadsheet_made_of_a_path_or_a_number_is_refused() {
        for cell in ["3月2日", "2-Mar", "mar-02", "2.4E+15", "2026/3/2"] {
            assert!(what_is_wrong(cell).is_some(), "{cell}");
        }
        for cell in ["3/2", "3/2/1203", "cover-17", "24e124136b320001", "1-4", "10月桂园", "E+", "A-Mar"] {
            assert_eq!(what_is_wrong(cell), None, "{cell}");
        }
    }

    #[test]
    fn blanks_of_every_width_are_taken_off_and_a_dash_means_empty() {
        assert_eq!(clean("\u{3000}甲 \u{200b}"), "甲");
        for empty in ["-", " — ", "无", "\u{a0}"] {
            assert_eq!(clean(empty), "", "{empty:?}");
        }
    }
}
