//! What people tell, rather than sensors: a hazard that somebody saw, a note from a command room, a message from a QR
//! card; and what became of a picture or clip since it was ingested.

use crate::{AlarmId, PlaceId};
use serde::{Deserialize, Serialize};

/// The longest text of a report or note, characters.
pub const REPORT_CHARS_MAX: usize = 1_000;
/// The most pictures of one report.
pub const REPORT_PHOTOS_MAX: usize = 9;
/// The longest name of a category, or address of a picture, bytes.
const NAME_BYTES_MAX: usize = 512;

/// A point on the ground, WGS 84 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Latitude, −90 to 90.
    pub lat: f64,
    /// Longitude, −180 to 180.
    #[serde(alias = "lng")]
    pub lon: f64,
}

impl Position {
    /// Is it a point on the ground at all?
    pub fn is_valid(self) -> bool {
        (-90.0..=90.0).contains(&self.lat) && (-180.0..=180.0).contains(&self.lon)
    }

    /// Metres to another one; exact enough within a town (equirectangular, mean earth radius 6,371 km).
    pub fn metres_to(self, other: Position) -> f64 {
        const METRES_PER_DEGREE: f64 = 6_371_000.0 * std::f64::consts::PI / 180.0;
        let north = self.lat - other.lat;
        let east = (self.lon - other.lon) * ((self.lat + other.lat) / 2.0).to_radians().cos();
        north.hypot(east) * METRES_PER_DEGREE
    }
}

/// What a report is about, as far as it matters for what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Category {
    /// Somebody is hurt, or was hit.
    Injury,
    /// Something burns.
    Fire,
    /// Something was thrown from a building.
    ThrownObject,
    /// Anything else, by its name.
    Other(String),
}

impl Category {
    /// The name in JSON.
    pub fn name(&self) -> &str {
        match self {
            Category::Injury => "injury",
            Category::Fire => "fire",
            Category::ThrownObject => "thrown_object",
            Category::Other(name) => name,
        }
    }

    /// Does it threaten a life?
    pub fn is_grave(&self) -> bool {
        matches!(self, Category::Injury | Category::Fire)
    }
}

impl From<String> for Category {
    /// Takes the words that people and other systems use for the categories that matter.
    fn from(name: String) -> Self {
        let plain = name.trim().to_lowercase().replace(['-', ' '], "_");
        match plain.as_str() {
            "injury" | "injured" | "person_injured" | "person_hit" | "hit" | "hurt" | "person_hurt"
            | "casualty" | "人员受伤" | "有人受伤" | "受伤" | "砸伤" | "有人被砸" => {
                Category::Injury
            }
            "fire" | "burning" | "burn" | "smoke" | "on_fire" | "flames" | "着火" | "起火" | "火情"
            | "冒烟" => Category::Fire,
            "thrown_object" | "thrown" | "throw" | "falling_object" | "高空抛物" => {
                Category::ThrownObject
            }
            _ => Category::Other(plain),
        }
    }
}

impl From<Category> for String {
    fn from(category: Category) -> String {
        category.name().to_owned()
    }
}

/// Why a report cannot be taken. The words say what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// Nothing says what it is about.
    #[error("category: say what it is about, such as injury, fire or rubbish")]
    NoCategory,
    /// The category or a picture's address is too long, or has characters that no name has.
    #[error("{field}: at most {NAME_BYTES_MAX} bytes, and no control characters")]
    Name {
        /// Which field.
        field: &'static str,
    },
    /// The text is too long.
    #[error("text: at most {REPORT_CHARS_MAX} characters, this one has {chars}")]
    TextTooLong {
        /// How long it is.
        chars: usize,
    },
    /// Too many pictures.
    #[error("photos: at most {REPORT_PHOTOS_MAX}, these are {photos}")]
    TooManyPhotos {
        /// How many there are.
        photos: usize,
    },
    /// Neither a place nor a position.
    #[error("place: say where, by a place or by a position")]
    Nowhere,
    /// The position is not on the earth.
    #[error("position: lat is −90 to 90, lon −180 to 180")]
    Position,
}

/// What somebody tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// What it is about.
    pub category: Category,
    /// In their words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Where, by the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceId>,
    /// Where, by a phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Pictures: the SHA-256 of what was handed in, or an address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<String>,
}

impl Report {
    /// Is it fit to be taken?
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self) -> Result<(), ReportError> {
        let is_name = |name: &str| name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control);
        let chars = self.text.chars().count();
        match () {
            () if self.category.name().is_empty() => Err(ReportError::NoCategory),
            () if !is_name(self.category.name()) => Err(ReportError::Name { field: "category" }),
            () if chars > REPORT_CHARS_MAX => Err(ReportError::TextTooLong { chars }),
            () if self.photos.len() > REPORT_PHOTOS_MAX => {
                Err(ReportError::TooManyPhotos { photos: self.photos.len() })
            }
            () if !self.photos.iter().all(|photo| is_name(photo)) => {
                Err(ReportError::Name { field: "photos" })
            }
            () if self.place.is_none() && self.position.is_none() => Err(ReportError::Nowhere),
            () if self.position.is_some_and(|position| !position.is_valid()) => Err(ReportError::Position),
            () => Ok(()),
        }
    }
}

/// What comes from outside, without an officer who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// A dispatch note from the command room: P2.
    Dispatch,
    /// A hazard that a patrol brigade found: P3.
    Hazard,
    /// A report by a resident.
    Report,
    /// A message by the card at a door, for the officer.
    Message,
    /// A confidential tip, for the officer alone.
    Tip,
}

/// A note from outside: a signed webhook, or a QR card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// Who sends it: the name of the webhook, or of the card, as configured.
    pub source: String,
    /// The sender's own id of it: the same is taken once.
    pub id: String,
    /// What tells its content from another under the same id.
    pub digest: String,
    /// What it is.
    pub kind: NoteKind,
    /// What it says.
    pub report: Report,
}

/// What became of a piece of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustodyEvent {
    /// We hold its bytes, and know their hash.
    Held,
    /// They could not be had; it is tried again.
    Failed,
    /// They are not those that its sender, or we, named before.
    Mismatch,
    /// Given to somebody who may have it.
    Exported,
    /// Refused to somebody.
    ExportRefused,
    /// Its bytes were erased, and are gone for good.
    Erased,
}

impl CustodyEvent {
    /// The name in JSON, metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            CustodyEvent::Held => "held",
            CustodyEvent::Failed => "failed",
            CustodyEvent::Mismatch => "mismatch",
            CustodyEvent::Exported => "exported",
            CustodyEvent::ExportRefused => "export_refused",
            CustodyEvent::Erased => "erased",
        }
    }
}

/// News of a piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceNews {
    /// Of which alarm.
    pub alarm: AlarmId,
    /// Which one, counted from 0.
    pub number: usize,
    /// What became of it: held, failed or mismatch.
    pub event: CustodyEvent,
    /// The SHA-256 of its bytes, lower-case hex, where they were had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// In words; no personal data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_within_a_compound_are_right_to_a_metre() {
        let here = Position { lat: 31.2304, lon: 121.4737 };
        // One ten-thousandth of a degree: 11.12 m north; east that times cos 31.23° = 9.51 m.
        let north = Position { lat: 31.2305, ..here };
        let east = Position { lon: 121.4738, ..here };
        assert!((here.metres_to(north) - 11.12).abs() < 0.02, "{}", here.metres_to(north));
        assert!((here.metres_to(east) - 9.51).abs() < 0.02, "{}", here.metres_to(east));
    }

    #[test]
    fn people_name_an_injury_in_many_ways() {
        for name in ["injury", "Person hit", "person-hit", "砸伤"] {
            assert_eq!(Category::from(name.to_owned()), Category::Injury, "{name}");
        }
        assert_eq!(Category::from("Rubbish".to_owned()), Category::Other("rubbish".to_owned()));
    }

    #[test]
    fn a_report_says_what_and_where_and_not_too_much() {
        let place = Some(PlaceId::parse("3").expect("a place"));
        let good = Report {
            category: Category::Fire,
            text: String::new(),
            place: place.clone(),
            position: None,
            photos: vec![],
        };
        assert_eq!(good.check(), Ok(()));
        let nowhere = Report { place: None, ..good.clone() };
        assert_eq!(nowhere.check(), Err(ReportError::Nowhere));
        let long = Report { text: "长".repeat(REPORT_CHARS_MAX + 1), ..good.clone() };
        assert_eq!(long.check(), Err(ReportError::TextTooLong { chars: REPORT_CHARS_MAX + 1 }));
        let many = Report { photos: vec!["p".into(); REPORT_PHOTOS_MAX + 1], ..good.clone() };
        assert_eq!(many.check(), Err(ReportError::TooManyPhotos { photos: REPORT_PHOTOS_MAX + 1 }));
        let off = Report { position: Some(Position { lat: 91.0, lon: 0.0 }), ..good.clone() };
        assert_eq!(off.check(), Err(ReportError::Position));
        let unnamed = Report { category: Category::from(String::new()), ..good };
        assert_eq!(unnamed.check(), Err(ReportError::NoCategory));
    }
}
