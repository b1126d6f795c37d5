//! The shapes of bodies: what schemars says of our types, and stand-ins for types of other crates that know nothing of
//! documents.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Map, Value};
use std::borrow::Cow;
use wanglou_model::{Outcome, Role};

/// All shapes of a document, by name.
pub(super) struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self {
            read: settings().for_deserialize().into_generator(),
            written: settings().for_serialize().into_generator(),
        }
    }
}

impl Schemas {
    /// What we read.
    pub(super) fn read<T: JsonSchema>(&mut self) -> Value {
        self.read.subschema_for::<T>().into()
    }

    /// What we write.
    pub(super) fn written<T: JsonSchema>(&mut self) -> Value {
        self.written.subschema_for::<T>().into()
    }

    /// All that was named so far.
    ///
    /// # Panics
    /// When one name stands for two shapes, which a test finds.
    pub(super) fn take(mut self) -> Map<String, Value> {
        let mut all = self.written.take_definitions(true);
        for (name, shape) in self.read.take_definitions(true) {
            let before = all.insert(name.clone(), shape.clone());
            assert!(before.is_none_or(|before| before == shape), "{name} is two shapes: rename one of them");
        }
        all
    }
}

/// A stand-in for [`wanglou_model::Text`].
pub(crate) struct Words;

impl JsonSchema for Words {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object", "description": "Words for people, in both languages.", "required": ["zh", "en"],
            "properties": {"zh": {"type": "string"}, "en": {"type": "string"}},
        })
    }
}

/// Whatever a rule or a profile puts there.
pub(in crate::http) struct Anything;

impl JsonSchema for Anything {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Anything".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}

/// One of a list of words.
fn word(description: &str, words: &[&str]) -> Schema {
    json_schema!({"type": "string", "description": description, "enum": words})
}

/// A stand-in for [`wanglou_model::Outcome`].
pub(crate) struct OutcomeWord;

impl JsonSchema for OutcomeWord {
    fn schema_name() -> Cow<'static, str> {
        "Outcome".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        use Outcome::{Complied, Duplicate, FalseAlarm, Ok, Real, Test, Unfounded, Unverified};
        let all = [Real, FalseAlarm, Test, Duplicate, Complied, Unfounded, Ok, Unverified];
        word("How an alarm ended.", &all.map(Outcome::name))
    }
}

/// A stand-in for lists of [`wanglou_model::Role`].
pub(in crate::http) struct RoleWord;

impl JsonSchema for RoleWord {
    fn schema_name() -> Cow<'static, str> {
        "Role".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        word("A role, as duty lists in a compound know them.", &Role::ALL.map(Role::name))
    }
}

/// The operations of a command.
pub(in crate::http) struct OpWord;

impl JsonSchema for OpWord {
    fn schema_name() -> Cow<'static, str> {
        "Op".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = super::examples::COMMANDS.iter().map(|(op, _)| *op).collect();
        word("What is to be done.", &words)
    }
}

/// A stand-in for [`wanglou_model::Delivered`].
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Delivered")]
#[expect(dead_code, reason = "only its shape is used")]
pub(in crate::http) enum DeliveredWord {
    /// In the phone's own storage.
    Stored,
    /// Visible to a person, or shown as a notification.
    Presented,
}

/// A stand-in for [`wanglou_model::Position`].
#[derive(JsonSchema)]
#[schemars(rename = "Position")]
#[expect(dead_code, reason = "only its shape is used")]
pub(in crate::http) struct Point {
    /// Latitude, WGS 84 degrees, -90 to 90.
    lat: f64,
    /// Longitude, WGS 84 degrees, -180 to 180.
    lon: f64,
}

/// A stand-in for [`wanglou_model::Reason`].
#[derive(JsonSchema)]
#[schemars(rename = "Reason")]
#[expect(dead_code, reason = "only its shape is used")]
pub(crate) struct ReasonShape {
    /// A stable word for programs.
    code: String,
    /// One line for people.
    text: Words,
}

/// What a command is answered.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its shape is used: the socket writes the same text")]
pub(in crate::http) struct CommandDone {
    /// Always `ok`.
    t: String,
    /// The command's.
    cid: String,
    /// The alarm, where it is about one, or made one.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The alarm's revision after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rev: Option<u64>,
}

/// What a command that was not done is answered.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its shape is used: the socket writes the same text")]
pub(in crate::http) struct CommandRefused {
    /// Always `err`.
    t: String,
    /// The command's.
    cid: String,
    /// `taken`, `changed`, `gone`, `forbidden`, `invalid`, `busy` or `stopping`.
    code: String,
    text: Words,
    /// With `taken`: who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<crate::view::Person>,
}
