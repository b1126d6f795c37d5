//! A CSV file as property managers keep it: columns in any order, under English or Chinese headings, with
//! comments, blank lines and stray blanks.
//!
//! Reads rows; what a cell means is the reader's business.

use crate::cell::{clean, what_is_wrong};
use crate::fault::{At, Faults};
use crate::suggest;

/// Most rows in one file.
pub(crate) const ROWS_MAX: usize = 50_000;

/// One column that a file may have.
pub(crate) struct Column {
    /// Its heading, as documented.
    pub(crate) name: &'static str,
    /// Other headings that mean the same.
    pub(crate) also: &'static [&'static str],
    /// A file without it is refused.
    pub(crate) required: bool,
}

/// Every file may have a column of notes; nobody reads it.
const NOTE: [&str; 3] = ["note", "notes", "备注"];

/// A file's rows.
pub(crate) struct Sheet {
    file: &'static str,
    columns: &'static [Column],
    /// For each cell of a row the column it belongs to, as an index into `columns`.
    layout: Vec<Option<usize>>,
    rows: Vec<Row>,
}

struct Row {
    line: u32,
    cells: Vec<String>,
}

/// One row, to be asked for its cells by column name.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    sheet: &'a Sheet,
    row: &'a Row,
}

/// One cell: its text, and where it stands.
pub(crate) struct Cell<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: At,
}

impl Sheet {
    /// Reads a whole file. `None` when its headings make no sense of the rows.
    pub(crate) fn read(
        file: &'static str,
        text: &str,
        columns: &'static [Column],
        faults: &mut Faults,
    ) -> Option<Sheet> {
        let mut rows = read_rows(file, text, faults).into_iter();
        let Some(headings) = rows.next() else {
            let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
            let message = format!("is empty; its first line must name the columns: {}", names.join(","));
            faults.error(&At::file(file), message);
            return None;
        };
        let layout = layout(file, &headings, columns, faults)?;
        let sheet = Sheet { file, columns, layout, rows: rows.collect() };
        sheet.check_widths(faults);
        Some(sheet)
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.rows.iter().map(|row| Record { sheet: self, row })
    }

    /// A row longer than the headings has a comma too many, and its cells are not where they seem to be.
    fn check_widths(&self, faults: &mut Faults) {
        for row in &self.rows {
            let used = row.cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
            if used > self.layout.len() {
                let message = format!(
                    "has {used} cells under {} headings; put a cell that holds a comma in double quotes",
                    self.layout.len()
                );
                faults.error(&At::key(self.file, "", Some(row.line)), message);
            }
        }
    }
}

impl<'a> Record<'a> {
    pub(crate) fn line(self) -> u32 {
        self.row.line
    }

    /// The cell under a column; empty when the file or the row has none.
    pub(crate) fn cell(self, column: &str) -> Cell<'a> {
        Cell { text: self.text(column), at: self.at(column) }
    }

    /// Like [`Record::cell`], but an empty one is a fault.
    pub(crate) fn required(self, column: &str, faults: &mut Faults) -> Option<Cell<'a>> {
        let cell = self.cell(column);
        if cell.text.is_empty() {
            faults.error(&cell.at, "is empty");
            return None;
        }
        Some(cell)
    }

    /// Where a column of this row stands. The row is named by its first documented column: id, or place.
    pub(crate) fn at(self, column: &str) -> At {
        let id = self.sheet.columns.first().map_or("", |first| self.text(first.name));
        let key_path = if id.is_empty() { column.to_owned() } else { format!("[{id}].{column}") };
        At::key(self.sheet.file, key_path, Some(self.row.line))
    }

    fn text(self, column: &str) -> &'a str {
        let wanted = self.sheet.columns.iter().position(|known| known.name == column);
        let index = self.sheet.layout.iter().position(|found| found.is_some() && *found == wanted);
        index.and_then(|index| self.row.cells.get(index)).map_or("", String::as_str)
    }
}

/// Which column each heading names. A misspelt heading is a fault, and taken for what it probably means, so
/// that its cells are checked too.
fn layout(
    file: &'static str,
    headings: &Row,
    columns: &'static [Column],
    faults: &mut Faults,
) -> Option<Vec<Option<usize>>> {
    let mut layout: Vec<Option<usize>> = Vec::new();
    let mut unknown = 0_usize;
    for heading in headings.cells.iter() {
        let found = column_of(heading, columns);
        let at = At::key(file, heading.as_str(), Some(headings.line));
        if found.is_some() && layout.contains(&found) {
            faults.error(&at, "this column is there twice; keep one");
        }
        if found.is_none() && !heading.is_empty() && !NOTE.iter().any(|note| same(note, heading)) {
            unknown += 1;
            let guess = nearest_column(heading, columns).filter(|guess| !layout.contains(&Some(*guess)));
            let names = columns.iter().flat_map(|column| column.also.iter().chain([&column.name]).copied());
            faults.unknown(&at, "column", heading, names);
            layout.push(guess);
        } else {
            layout.push(found);
        }
    }
    let missing: Vec<&str> = (0..)
        .zip(columns)
        .filter(|(index, column)| column.required && !layout.contains(&Some(*index)))
        .map(|(_, column)| column.name)
        .collect();
    if missing.is_empty() {
        return Some(layout);
    }
    let only_one = headings.cells.len() == 1 && unknown == 1;
    let advice = if only_one { "; columns must be separated by commas (半角逗号)" } else { "" };
    let message = format!("the first line lacks the column {}{advice}", missing.join(", "));
    faults.error(&At::key(file, "", Some(headings.line)), message);
    None
}

fn column_of(heading: &str, columns: &[Column]) -> Option<usize> {
    columns
        .iter()
        .position(|column| same(column.name, heading) || column.also.iter().any(|also| same(also, heading)))
}

fn nearest_column(heading: &str, columns: &[Column]) -> Option<usize> {
    let names = columns.iter().flat_map(|column| column.also.iter().chain([&column.name]).copied());
    column_of(suggest::nearest(heading, names)?, columns)
}

/// The same heading, whatever its case, blanks, underscores and hyphens.
pub(crate) fn same(name: &str, heading: &str) -> bool {
    let fold = |text: &str| -> String {
        text.chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-'))
            .flat_map(char::to_lowercase)
            .collect()
    };
    fold(name) == fold(heading)
}

fn read_rows(file: &'static str, text: &str, faults: &mut Faults) -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let mut lines = Lines { text, at: 0, line: 1 };
    let mut rows = Vec::new();
    for record in reader.records() {
        let Ok(record) = record else {
            faults.error(&At::file(file), "cannot be read as comma-separated values");
            break;
        };
        let line = lines.of_record(record.position().map_or(0, csv::Position::byte));
        let cells: Vec<String> = record.iter().map(clean).collect();
        let comment = record.get(0).is_some_and(|first| first.trim_start().starts_with('#'));
        if comment || cells.iter().all(String::is_empty) {
            continue;
        }
        if rows.len() > ROWS_MAX {
            let message = format!("has more than {ROWS_MAX} rows; the rest is not read");
            faults.error(&At::key(file, "", Some(line)), message);
            break;
        }
        let row = Row { line, cells };
        check_cells(file, &row, faults);
        rows.push(row);
    }
    rows
}

/// Counts lines up to a record, past the comments and blank lines that the CSV reader skips before it.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    fn of_record(&mut self, byte: u64) -> u32 {
        let bytes = self.text.as_bytes();
        let mut start = usize::try_from(byte).unwrap_or(usize::MAX).min(bytes.len());
        while let Some(first) = bytes.get(start) {
            match first {
                b'\n' => start += 1,
                b'#' => {
                    let rest = bytes.get(start..).unwrap_or_default();
                    start += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                }
                _ => break,
            }
        }
        let skipped = bytes.get(self.at..start).unwrap_or_default();
        let ends = skipped.iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(ends).unwrap_or(u32::MAX));
        self.at = self.at.max(start);
        self.line
    }
}

fn check_cells(file: &'static str, row: &Row, faults: &mut Faults) {
    for (index, cell) in row.cells.iter().enumerate() {
        if let Some(message) = what_is_wrong(cell) {
            let key_path = format!("cell {}", index + 1);
            faults.error(&At::key(file, key_path, Some(row.line)), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column { name: "id", also: &["编号"], required: true },
        Column { name: "name_zh", also: &["名称"], required: false },
        Column { name: "place", also: &["位置"], required: true },
    ];

    /// The rows as `line id|name|place`, and the faults as text.
    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let mut faults = Faults::default();
        let sheet = Sheet::read("t.csv", text, COLUMNS, &mut faults);
        let row = |record: Record<'_>| {
            let [id, name, place] = ["id", "name_zh", "place"].map(|column| record.cell(column).text);
            format!("{} {id}|{name}|{place}", record.line())
        };
        let rows = sheet.iter().flat_map(Sheet::records).map(row).collect();
        (rows, faults.into_sorted().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn rows_keep_their_lines_past_comments_and_blank_lines() {
        let text = "# kept by 物业, \"north\n\nid,name_zh,place\n# one\n\n  \na,\u{3000}甲 , p\n,,\n\"# two, three\",,\n#x\nb,乙,q\n";
        let (rows, faults) = read(text);
        assert_eq!(faults, [] as [&str; 0]);
        assert_eq!(rows, ["7 a|甲|p", "11 b|乙|q"]);
    }

    #[test]
    fn columns_come_in_any_order_under_either_language() {
        let (rows, faults) = read("位置, Name-ZH ,编号,备注,\np,甲,a,whatever,\nq,-,b\n");
        assert_eq!(faults, [] as [&str; 0]);
        assert_eq!(rows, ["2 a|甲|p", "3 b||q"]);
    }

    #[test]
    fn a_misspelt_heading_is_named_and_its_cells_are_checked_all_the_same() {
        let (rows, faults) = read("id,plcae\na,p\n");
        assert_eq!(faults, ["t.csv:1: plcae: column \"plcae\" is not known; did you mean \"place\"?"]);
        assert_eq!(rows, ["2 a||p"]);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let one = |text| read(text).1.join("\n");
        assert_eq!(one(""), "t.csv: is empty; its first line must name the columns: id,name_zh,place");
        assert_eq!(one("id,name_zh\n"), "t.csv:1: the first line lacks the column place");
        assert!(one("id;place\na;p\n").contains("separated by commas"));
        assert_eq!(one("id,place,id\n"), "t.csv:1: id: this column is there twice; keep one");
        assert_eq!(
            one("id,place\na,p,x\n"),
            "t.csv:2: has 3 cells under 2 headings; put a cell that holds a comma in double quotes"
        );
    }

    #[test]
    fn an_open_quote_does_not_swallow_the_rest_in_silence() {
        let (_, faults) = read("id,name_zh,place\na,\"甲,p\nb,乙,q\n");
        assert_eq!(
            faults,
            [
                "t.csv:2: cell 2: holds a line break; a closing double quote is missing, or the cell must be on one line"
            ]
        );
    }
}
