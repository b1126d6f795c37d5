//! Values on their way from a token of the body to a field of a reading.

mod literal;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use literal::{Case, Literal};
pub(crate) use read::{
    cut, evidence_of, finite, flag_of, number_of, shown, text_of, whole_digits, whole_from, whole_of,
};
use wanglou_model::{AvailabilityScope, CallAnswer, LiftClass, LiftDoor, LiftMode, ObjectSize, Timestamp};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum FieldType {
    /// true or false.
    Flag,
    /// A whole number in a range.
    Whole { min: i64, max: i64 },
    /// A finite number.
    Number,
    /// Text, at most [`TEXT_BYTES_MAX`] bytes.
    Text,
    /// One of these names.
    Choice(&'static [&'static str]),
    /// A point in time.
    Time,
    /// A picture or a clip by its address.
    Evidence,
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Flag(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    /// The number of the name in its type's list.
    Choice(u8),
    Time(Timestamp),
    Evidence(Box<wanglou_model::Evidence>),
}

impl Value {
    /// Bytes that it has on the heap.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Value::Text(text) => text.len(),
            Value::Evidence(evidence) => evidence.uri.as_ref().map_or(0, String::len),
            Value::Flag(_) | Value::Whole(_) | Value::Number(_) | Value::Choice(_) | Value::Time(_) => 0,
        }
    }
}

/// How a field of the model is made from a [`Value`].
pub(crate) trait How {
    /// The field's type in the model.
    type Out;
    const TYPE: FieldType;
    const REQUIRED: bool;

    /// `None` when a required value lacks.
    fn take(value: Option<Value>) -> Option<Self::Out>;
}

macro_rules! how {
    ($(#[$doc:meta])* $marker:ident, $variant:ident, $out:ty, $read:expr) => {
        $(#[$doc])*
        pub(crate) struct $marker;
        impl How for $marker {
            type Out = $out;
            const TYPE: FieldType = FieldType::$variant;
            const REQUIRED: bool = true;
            fn take(value: Option<Value>) -> Option<$out> {
                match value {
                    Some(Value::$variant(found)) => Some($read(found)),
                    _ => None,
                }
            }
        }
    };
}

how!(
    /// true or false.
    Flag, Flag, bool, std::convert::identity
);
how!(
    /// A finite number.
    Number, Number, f64, std::convert::identity
);
how!(
    /// Text.
    Text, Text, String, std::convert::identity
);
how!(
    /// A point in time.
    Time, Time, Timestamp, std::convert::identity
);
how!(
    /// A picture or clip.
    Evidence, Evidence, wanglou_model::Evidence, |evidence: Box<wanglou_model::Evidence>| *evidence
);

/// An optional field.
pub(crate) struct Maybe<H>(std::marker::PhantomData<H>);
impl<H: How> How for Maybe<H> {
    type Out = Option<H::Out>;
    const TYPE: FieldType = H::TYPE;
    const REQUIRED: bool = false;
    fn take(value: Option<Value>) -> Option<Self::Out> {
        Some(H::take(value))
    }
}

/// An optional text that is empty when it lacks.
pub(crate) struct OrEmpty;
impl How for OrEmpty {
    type Out = String;
    const TYPE: FieldType = FieldType::Text;
    const REQUIRED: bool = false;
    fn take(value: Option<Value>) -> Option<String> {
        Some(Text::take(value).unwrap_or_default())
    }
}

/// A whole number.
pub(crate) struct Whole<N>(std::marker::PhantomData<N>);
macro_rules! whole {
    ($number:ty, $min:expr, $max:expr) => {
        impl How for Whole<$number> {
            type Out = $number;
            const TYPE: FieldType = FieldType::Whole { min: $min, max: $max };
            const REQUIRED: bool = true;
            fn take(value: Option<Value>) -> Option<$number> {
                match value {
                    Some(Value::Whole(found)) => <$number>::try_from(found).ok(),
                    _ => None,
                }
            }
        }
    };
}
whole!(u64, 0, i64::MAX);
whole!(u32, 0, u32::MAX as i64);
whole!(i32, i32::MIN as i64, i32::MAX as i64);

/// One of a list of names.
pub(crate) struct Named<E>(std::marker::PhantomData<E>);
macro_rules! named {
    ($ty:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        impl How for Named<$ty> {
            type Out = $ty;
            const TYPE: FieldType = FieldType::Choice(&[$($name),*]);
            const REQUIRED: bool = true;
            fn take(value: Option<Value>) -> Option<$ty> {
                const ALL: &[$ty] = &[$($ty::$variant),*];
                match value {
                    Some(Value::Choice(number)) => ALL.get(usize::from(number)).copied(),
                    _ => None,
                }
            }
        }
    };
}
named!(LiftClass {
    Ebike = "ebike", EbikeBattery = "ebike_battery", Bicycle = "bicycle", Wheelchair = "wheelchair",
    Stroller = "stroller", Cart = "cart", Scooter = "scooter", Person = "person", None = "none",
});
named!(LiftDoor { Open = "open", Opening = "opening", Closing = "closing", Closed = "closed" });
named!(LiftMode {
    Normal = "normal", Inspection = "inspection", Fire = "fire", OutOfService = "out_of_service",
    Fault = "fault",
});
named!(ObjectSize { S = "S", M = "M", L = "L" });
named!(CallAnswer {
    Ok = "ok", Help = "help", Cooking = "cooking", OtherPerson = "other_person", Unclear = "unclear", None = "none",
});
named!(AvailabilityScope { Device = "device", Hub = "hub", Server = "server" });

/// Some value of a type.
#[cfg(test)]
pub(crate) fn sample(ty: FieldType) -> Value {
    match ty {
        FieldType::Flag => Value::Flag(true),
        FieldType::Whole { .. } => Value::Whole(3),
        FieldType::Number => Value::Number(1.5),
        FieldType::Text => Value::Text("x".into()),
        FieldType::Choice(_) => Value::Choice(0),
        FieldType::Time => Value::Time(Timestamp(0)),
        FieldType::Evidence => Value::Evidence(Box::new(wanglou_model::Evidence {
            uri: Some("http://example.invalid/p.jpg".into()),
            sha256: None,
            bytes: None,
        })),
    }
}
