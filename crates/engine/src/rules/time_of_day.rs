//! A time of day as files write it: `"22:00"`.

use serde::{Deserialize, Deserializer, Serializer};
use wanglou_model::MinuteOfDay;

pub(super) fn serialize<S: Serializer>(time: &MinuteOfDay, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{:02}:{:02}", time.0 / 60, time.0 % 60))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MinuteOfDay, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || {
        serde::de::Error::custom(format!("{text:?} is not a time of day such as \"22:00\" (00:00 to 23:59)"))
    };
    parse(&text).ok_or_else(wrong)
}

fn parse(text: &str) -> Option<MinuteOfDay> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str, max: u16| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|n: &u16| plain && *n <= max)
    };
    Some(MinuteOfDay(number(hour, 23)? * 60 + number(minute, 59)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_has_two_digits_each_and_exists() {
        assert_eq!(parse("22:00"), Some(MinuteOfDay(1320)));
        assert_eq!(parse("00:05"), Some(MinuteOfDay(5)));
        for bad in ["", "24:00", "7:00", "07:60", "+7:00", "07:00:00", "seven"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
