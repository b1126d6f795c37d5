//! Statistics of a month, from the journal's facts alone: what happened, as it was written down. Messages are not read,
//! so that they may be past their age. Tests, drills and alarms on trial are counted and left out of everything else.
//!
//! ```text
//!  journal ─► facts ─► lives::Lives (one life per alarm, one push per ring) ─► figures::of(month) ─► text, CSV, JSON
//! ```

mod figures;
mod lives;
mod load;
mod month;
mod print;

#[cfg(test)]
mod tests;

pub use figures::{Buckets, Figures, KindFigures, Rate, WeekFigures, of};
pub use lives::{Life, Lives, Push};
pub use load::{Load, OfficerLoad};
pub use month::{Month, MonthError};
pub use print::{csv, json, text};
