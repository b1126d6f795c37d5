//! Ids as types of their own, parsed once at the edge.

use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// Longest id of any kind, in bytes.
pub const ID_BYTES_MAX: usize = 128;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text was empty.
    #[error("an id must not be empty")]
    Empty,
    /// The text was longer than [`ID_BYTES_MAX`].
    #[error("an id has at most {ID_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A character that would be unsafe in a topic, a file name or a log line.
    #[error("an id must not contain {found:?}")]
    Character {
        /// The first such character.
        found: char,
    },
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > ID_BYTES_MAX {
        return Err(IdError::TooLong { bytes: text.len() });
    }
    let bad = |c: &char| {
        c.is_control()
            || matches!(c, '#' | '+' | '"' | '\\' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    match text.chars().find(bad) {
        Some(found) => Err(IdError::Character { found }),
        None => Ok(()),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 1–128 bytes; no control characters, no MQTT wildcards, no quotes, no bidirectional overrides.
        /// Cheap to clone.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses an id.
            ///
            /// # Errors
            /// [`IdError`] when the text is empty, too long, or holds a forbidden character.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check(text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

id!(
    /// A compound (小区), such as `demo`.
    SiteId
);
id!(
    /// A place inside a compound, as a path from outside to inside: `3/2/lift-B` is lift B of unit 2 of
    /// building 3, `3/2/1203` a home, `cover/17` a manhole cover, `facade/7/east` a façade.
    PlaceId
);
id!(
    /// A sensor in the registry.
    DeviceId
);
id!(
    /// Somebody who receives alarms: guard, grid worker, officer… Never a name: names live in the people file.
    OfficerId
);
id!(
    /// An area that one grid worker walks.
    GridId
);
id!(
    /// A kind of alarm, the name of the rule that raises it: `manhole`, `ebike_in_lift`…
    AlarmKind
);
id!(
    /// One alarm. Made from what triggered it (compound, rule, subject, event key), never from a position in
    /// the journal, so that a replay names it the same.
    AlarmId
);
id!(
    /// A related group of alarms.
    IncidentId
);
id!(
    /// One phone or browser of an officer.
    PhoneId
);
id!(
    /// A command's id, made by the phone: the same id is answered once however often it arrives.
    CommandId
);

impl PlaceId {
    /// The place that contains this one: `3/2` for `3/2/1203`; none at the top.
    pub fn parent(&self) -> Option<PlaceId> {
        let (outer, _) = self.as_str().rsplit_once('/')?;
        PlaceId::parse(outer).ok()
    }

    /// Is this place `outer` itself, or inside it?
    pub fn is_within(&self, outer: &PlaceId) -> bool {
        self.as_str()
            .strip_prefix(outer.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_refuses_what_would_hurt_a_topic_or_a_log_line() {
        assert_eq!(PlaceId::parse(""), Err(IdError::Empty));
        assert_eq!(PlaceId::parse("a\nb"), Err(IdError::Character { found: '\n' }));
        assert_eq!(PlaceId::parse("a/#"), Err(IdError::Character { found: '#' }));
        assert_eq!(PlaceId::parse(&"x".repeat(129)), Err(IdError::TooLong { bytes: 129 }));
        assert!(PlaceId::parse("3号楼/2").is_ok());
    }

    #[test]
    fn a_place_is_within_itself_and_its_parents_only() {
        let place = |text| PlaceId::parse(text).expect("a valid place");
        assert!(place("3/2/1203").is_within(&place("3/2")));
        assert!(place("3/2").is_within(&place("3/2")));
        assert!(!place("3/21").is_within(&place("3/2")));
        assert_eq!(place("3/2/1203").parent(), Some(place("3/2")));
        assert_eq!(place("3").parent(), None);
    }
}
