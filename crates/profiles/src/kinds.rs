//! The vocabulary as a schema: which kind has which fields, of which type, and which of them it cannot do
//! without. One line per kind; a kind that the model gains fails the tests here until it has its line.

use crate::value::{
    Evidence as Ev, FieldType, Flag, How, Maybe, Named, Number, OrEmpty, Text, Time, Value, Whole,
};
use wanglou_model::{AvailabilityScope, CallAnswer, LiftClass, LiftDoor, LiftMode, ObjectSize, Reading};

/// The most fields that a kind has.
pub(crate) const FIELDS_MAX: usize = 20;

/// The fields of a reading while it is put together, in the schema's order.
pub(crate) type Values = [Option<Value>; FIELDS_MAX];

/// What a kind consists of.
#[derive(Debug)]
pub(crate) struct Schema {
    /// Its name in profiles and JSON.
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Field],
}

/// One field of a kind.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) ty: FieldType,
    /// Without it the reading says nothing.
    pub(crate) required: bool,
}

impl Schema {
    /// The number and the description of a field.
    pub(crate) fn field(&self, name: &str) -> Option<(usize, &'static Field)> {
        self.fields.iter().enumerate().find(|(_, field)| field.name == name)
    }

    /// The names of its fields, for messages.
    pub(crate) fn field_names(&self) -> String {
        match self.fields {
            [] => "no fields".into(),
            fields => fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", "),
        }
    }
}

macro_rules! kinds {
    ($($variant:ident $name:literal { $($field:ident $key:literal : $how:ty),* $(,)? })*) => {
        /// A kind of reading.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind { $($variant),* }

        impl Kind {
            /// All kinds.
            pub(crate) const ALL: &[Kind] = &[$(Kind::$variant),*];

            /// What it consists of.
            pub(crate) fn schema(self) -> &'static Schema {
                match self {
                    $(Kind::$variant => const { &Schema {
                        name: $name,
                        fields: &[$(Field {
                            name: $key,
                            ty: <$how as How>::TYPE,
                            required: <$how as How>::REQUIRED,
                        }),*],
                    } }),*
                }
            }

            /// Puts a reading together; the values are empty afterwards.
            ///
            /// # Errors
            /// The name of a required field that has no value.
            pub(crate) fn build(self, values: &mut Values) -> Result<Reading, &'static str> {
                let built = self.assemble(values);
                if built.is_err() {
                    values.fill(None);
                }
                built
            }

            fn assemble(self, values: &mut Values) -> Result<Reading, &'static str> {
                let mut next = values.iter_mut();
                match self {
                    $(Kind::$variant => Ok(Reading::$variant {
                        $($field: <$how as How>::take(next.next().and_then(Option::take)).ok_or($key)?),*
                    })),*
                }
            }

            /// The kind of a reading.
            #[cfg(test)]
            pub(crate) fn of(reading: &Reading) -> Kind {
                match reading { $(Reading::$variant { .. } => Kind::$variant),* }
            }
        }
    };
}

kinds! {
    Contact "contact" { open "open": Maybe<Flag>, opens "opens": Maybe<Whole<u64>> }
    Motion "motion" { active "active": Flag }
    Vibration "vibration" { active "active": Flag }
    Tamper "tamper" { active "active": Flag }
    Sos "sos" { active "active": Flag, source "source": Maybe<Text> }
    Smoke "smoke" { active "active": Flag, source "source": Maybe<Text> }
    Leak "leak" { wet "wet": Flag }
    Input "input" { number "number": Whole<u32>, active "active": Flag }
    Heat "heat" { celsius "celsius": Maybe<Number>, active "active": Maybe<Flag> }
    Temperature "temperature" { celsius "celsius": Number }
    Gas "gas" { active "active": Maybe<Flag>, lel_pct "lel_pct": Maybe<Number>, ch4_ppm "ch4_ppm": Maybe<Number> }
    Co "co" { active "active": Maybe<Flag>, ppm "ppm": Maybe<Number> }
    H2s "h2s" { ppm "ppm": Number }
    Cover "cover" { tilt_deg "tilt_deg": Maybe<Number>, moved "moved": Maybe<Flag>, open "open": Maybe<Flag> }
    WaterLevel "water_level" {
        mm_below_rim "mm_below_rim": Maybe<Number>, mm "mm": Maybe<Number>, alarm "alarm": Maybe<Flag>
    }
    WaterMeter "water_meter" { litres "litres": Number, interval_s "interval_s": Maybe<Number> }
    PowerMeter "power_meter" { kwh "kwh": Number, interval_s "interval_s": Maybe<Number> }
    Noise "noise" {
        laeq_db "laeq_db": Number, period_s "period_s": Number, lmax_db "lmax_db": Maybe<Number>,
        valid_s "valid_s": Maybe<Number>, weighting "weighting": Text
    }
    LiftCamera "lift_camera" {
        class "class": Named<LiftClass>, present "present": Flag, confidence "confidence": Maybe<Number>,
        picture "picture": Maybe<Ev>
    }
    LiftStatus "lift_status" {
        door "door": Maybe<Named<LiftDoor>>, moving "moving": Maybe<Flag>, floor "floor": Maybe<Whole<i32>>,
        mode "mode": Maybe<Named<LiftMode>>, hold_command "hold_command": Maybe<Flag>,
        hold_feedback "hold_feedback": Maybe<Flag>, persons "persons": Maybe<Whole<u32>>
    }
    LiftFault "lift_fault" {
        code "code": Text, text "text": OrEmpty, active "active": Flag, entrapment "entrapment": Flag
    }
    ThrownObject "thrown_object" {
        active "active": Flag, track "track": Maybe<Text>, from "from": Maybe<Time>, until "until": Maybe<Time>,
        drop_m "drop_m": Maybe<Number>, zone "zone": Maybe<Text>, floor_min "floor_min": Maybe<Whole<i32>>,
        floor_max "floor_max": Maybe<Whole<i32>>, column "column": Maybe<Whole<i32>>,
        size "size": Maybe<Named<ObjectSize>>, speed_mps "speed_mps": Maybe<Number>,
        horizontal_m "horizontal_m": Maybe<Number>, upward "upward": Maybe<Flag>,
        confidence "confidence": Maybe<Number>, people_below "people_below": Maybe<Flag>,
        clip "clip": Maybe<Ev>, picture "picture": Maybe<Ev>
    }
    Object "object" {
        class "class": Text, active "active": Flag, zone "zone": Maybe<Text>,
        confidence "confidence": Maybe<Number>, track "track": Maybe<Text>
    }
    Intrusion "intrusion" { active "active": Flag, zone "zone": Maybe<Text> }
    LineCrossed "line_crossed" { active "active": Flag, zone "zone": Maybe<Text> }
    Access "access" {
        result "result": Text, credential_hash "credential_hash": Maybe<Text>, method "method": Maybe<Text>,
        reason "reason": Maybe<Text>
    }
    WatchHit "watch_hit" { hit_id "hit_id": Text, score "score": Number }
    Vehicle "vehicle" {
        plate_hash "plate_hash": Maybe<Text>, class "class": Maybe<Text>, segment "segment": Text,
        present "present": Flag, attended "attended": Maybe<Flag>
    }
    Parking "parking" { occupied "occupied": Flag, dwell_s "dwell_s": Maybe<Number> }
    Actuator "actuator" { role "role": Text, state "state": Text }
    CallResult "call_result" { to "to": Text, answer "answer": Named<CallAnswer> }
    Weather "weather" {
        rain_mm_h "rain_mm_h": Maybe<Number>, wind_mps "wind_mps": Maybe<Number>,
        celsius "celsius": Maybe<Number>
    }
    Count "count" {
        entered "in": Maybe<Whole<u64>>, left "out": Maybe<Whole<u64>>, class "class": Maybe<Text>
    }
    Battery "battery" { pct "pct": Maybe<Number>, volts "volts": Maybe<Number>, low "low": Maybe<Flag> }
    Link "link" { rssi_dbm "rssi_dbm": Maybe<Number>, snr_db "snr_db": Maybe<Number> }
    Heartbeat "heartbeat" {}
    Availability "availability" { online "online": Flag, scope "scope": Named<AvailabilityScope> }
    DeviceFault "device_fault" { code "code": Maybe<Text>, text "text": OrEmpty, active "active": Flag }
    Clock "clock" { offset_s "offset_s": Number }
    SelfTest "self_test" { result "result": Text }
    Unknown "unknown" { raw "raw": Text }
}

impl Kind {
    /// The kind with that name.
    pub(crate) fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.schema().name == name)
    }

    /// All names, for messages.
    pub(crate) fn names() -> String {
        Kind::ALL.iter().map(|kind| kind.schema().name).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::sample;

    #[test]
    fn every_kind_builds_a_reading_of_its_own_name_and_no_field_is_lost() {
        for kind in Kind::ALL {
            let schema = kind.schema();
            assert!(schema.fields.len() <= FIELDS_MAX, "{}", schema.name);
            let mut values: Values = [const { None }; FIELDS_MAX];
            for (value, field) in values.iter_mut().zip(schema.fields) {
                *value = Some(sample(field.ty));
            }
            let reading = kind.build(&mut values).expect("every field is there");
            assert_eq!(Kind::of(&reading), *kind);
            assert_eq!(reading.kind(), schema.name);
            let json = serde_json::to_value(&reading).expect("serialises");
            let mut written: Vec<&str> =
                json["value"].as_object().expect("an object").keys().map(|k| &**k).collect();
            let mut named: Vec<&str> = schema.fields.iter().map(|field| field.name).collect();
            written.sort_unstable();
            named.sort_unstable();
            assert_eq!(written, named, "{}", schema.name);
        }
    }

    #[test]
    fn a_required_field_that_lacks_is_named() {
        let mut values: Values = [const { None }; FIELDS_MAX];
        values[0] = Some(Value::Choice(0));
        assert_eq!(Kind::LiftCamera.build(&mut values), Err("present"));
    }
}
