//! Ends the probation of devices: `devices.csv` as it is, byte for byte, but for the cells that said so.

use crate::cell::clean;
use crate::devices::COLUMNS;
use crate::sheet::same;
use crate::words;
use wanglou_model::DeviceId;

/// Which devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promoted<'a> {
    /// All of a profile.
    Profile(&'a str),
    /// One.
    Device(&'a DeviceId),
}

/// The text of `devices.csv` with these devices off probation, and their ids; none, if none of them was on it.
/// `text` must be a file that [`crate::Compound::check`] accepts.
///
/// # Errors
/// Words: the file cannot be read as comma-separated values.
pub fn promote(text: &str, which: &Promoted<'_>) -> Result<(String, Vec<DeviceId>), String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let mut layout: Option<Layout> = None;
    let (mut out, mut done, mut ids) = (String::with_capacity(text.len()), 0, vec![]);
    let mut record = csv::StringRecord::new();
    loop {
        let more = reader.read_record(&mut record).map_err(|error| error.to_string())?;
        if !more {
            break;
        }
        let Some(layout) = &layout else {
            let comment = record.get(0).is_some_and(|first| first.trim_start().starts_with('#'));
            let headings = !comment && record.iter().any(|cell| !clean(cell).is_empty());
            layout = headings.then(|| Layout::of(&record));
            continue;
        };
        let Some(id) = layout.promoted(&record, which) else { continue };
        let end = usize::try_from(reader.position().byte()).unwrap_or(text.len()).min(text.len());
        let start = record.position().map_or(0, |at| usize::try_from(at.byte()).unwrap_or(0));
        let start = start_of_record(text, start);
        out.push_str(&text[done..start]);
        out.push_str(&written(&record, layout.probation)?);
        let ending = &text[start..end];
        out.push_str(&ending[ending.trim_end_matches(['\r', '\n']).len()..]);
        done = end;
        ids.push(id);
    }
    out.push_str(&text[done..]);
    Ok((out, ids))
}

/// Past the comments and blank lines that the CSV reader skips before a record.
fn start_of_record(text: &str, from: usize) -> usize {
    let mut start = from;
    for line in text[from..].split_inclusive('\n') {
        if !(line.starts_with('#') || line.trim_end_matches(['\r', '\n']).is_empty()) {
            break;
        }
        start += line.len();
    }
    start
}

/// Which cell is which.
struct Layout {
    id: Option<usize>,
    profile: Option<usize>,
    probation: Option<usize>,
}

impl Layout {
    fn of(headings: &csv::StringRecord) -> Self {
        let find = |name: &str| {
            let column = COLUMNS.iter().find(|column| column.name == name)?;
            let is = |heading: &str| {
                same(column.name, heading) || column.also.iter().any(|also| same(also, heading))
            };
            headings.iter().position(|heading| is(&clean(heading)))
        };
        Self { id: find("id"), profile: find("profile"), probation: find("probation") }
    }

    /// The device of a row, if it is one of those meant and on probation.
    fn promoted(&self, record: &csv::StringRecord, which: &Promoted<'_>) -> Option<DeviceId> {
        let cell = |column: Option<usize>| column.and_then(|n| record.get(n)).map(clean).unwrap_or_default();
        let id = DeviceId::parse(&cell(self.id)).ok()?;
        let meant = match which {
            Promoted::Profile(profile) => cell(self.profile) == *profile,
            Promoted::Device(device) => id == **device,
        };
        let on_probation = words::flag(&cell(self.probation)) == Ok(true);
        (meant && on_probation).then_some(id)
    }
}

/// The row without its line break, with one cell emptied.
fn written(record: &csv::StringRecord, emptied: Option<usize>) -> Result<String, String> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let cells = record.iter().enumerate().map(|(n, cell)| if Some(n) == emptied { "" } else { cell });
    writer.write_record(cells).map_err(|error| error.to_string())?;
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    let line = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    Ok(line.trim_end_matches('\n').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# 设备表\r\n编号,profile,note,试运行\r\n\r\na,acme,\"one, two\",是\r\n# between\r\nb,acme,,\r\nc,other,x,yes\r\nd,acme,,yes\r\n";

    fn run(text: &str, which: &Promoted<'_>) -> (String, Vec<String>) {
        let (text, ids) = promote(text, which).expect("reads");
        (text, ids.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn only_the_cells_of_those_who_are_promoted_change() {
        let (text, ids) = run(TEXT, &Promoted::Profile("acme"));
        assert_eq!(ids, ["a", "d"]);
        let expected = TEXT.replace("\"one, two\",是", "\"one, two\",").replace("d,acme,,yes", "d,acme,,");
        assert_eq!(text, expected);
        let c = DeviceId::parse("c").expect("an id");
        let (text, ids) = run(TEXT, &Promoted::Device(&c));
        assert_eq!((text, ids), (TEXT.replace("c,other,x,yes", "c,other,x,"), vec!["c".to_owned()]));
    }

    #[test]
    fn where_nothing_is_on_probation_nothing_changes() {
        for text in ["id,profile\na,acme\n", "", "id,profile,probation\na,acme,no\nb,acme"] {
            assert_eq!(run(text, &Promoted::Profile("acme")), (text.to_owned(), vec![]));
        }
        let (text, _) = run("id,profile,probation\na,acme,yes", &Promoted::Profile("acme"));
        assert_eq!(text, "id,profile,probation\na,acme,", "the last line has no end");
    }
}
