//! What single cells and keys may say: yes and no, lengths of time, kinds, purposes, roles, times of day.
//!
//! Each word has an English form, used in the documentation, and Chinese ones that mean the same.

use wanglou_model::{MinuteOfDay, PlaceKind, Purpose, Role, Shift, Span};

/// A word of a closed list: the value, its documented name, and what else means it.
type Word<T> = (T, &'static str, &'static [&'static str]);

const KINDS: &[Word<PlaceKind>] = &[
    (PlaceKind::Site, "site", &["小区"]),
    (PlaceKind::Building, "building", &["楼栋", "楼", "栋"]),
    (PlaceKind::Unit, "unit", &["单元"]),
    (PlaceKind::Floor, "floor", &["楼层", "层"]),
    (PlaceKind::Lift, "lift", &["电梯"]),
    (PlaceKind::Home, "home", &["住户", "户"]),
    (PlaceKind::Facade, "facade", &["外墙", "立面"]),
    (PlaceKind::Corridor, "corridor", &["走廊", "楼道"]),
    (PlaceKind::Door, "door", &["门"]),
    (PlaceKind::Zone, "zone", &["分区", "片区"]),
    (PlaceKind::Road, "road", &["道路", "消防通道"]),
    (PlaceKind::Footpath, "footpath", &["人行道"]),
    (PlaceKind::Cover, "cover", &["井盖"]),
    (PlaceKind::Shed, "shed", &["充电棚", "车棚"]),
    (PlaceKind::Room, "room", &["房间", "机房"]),
    (PlaceKind::Garage, "garage", &["车库", "地下车库"]),
    (PlaceKind::PumpRoom, "pump_room", &["水泵房", "泵房"]),
    (PlaceKind::Other, "other", &["其他"]),
];

const PURPOSES: &[Word<Purpose>] = &[
    (Purpose::LiftCamera, "lift_camera", &["电梯摄像机", "梯内摄像机"]),
    (Purpose::LiftController, "lift_controller", &["梯控", "电梯控制器"]),
    (Purpose::FacadeCamera, "facade_camera", &["高空抛物摄像机", "外墙摄像机"]),
    (Purpose::HomeDoor, "home_door", &["入户门磁", "门磁"]),
    (Purpose::HomeMotion, "home_motion", &["人体感应", "红外"]),
    (Purpose::HomeWater, "home_water", &["水表"]),
    (Purpose::HomeSos, "home_sos", &["一键呼叫", "紧急按钮"]),
    (Purpose::HomeSmoke, "home_smoke", &["户内烟感"]),
    (Purpose::Cover, "cover", &["井盖"]),
    (Purpose::DoorAccess, "door_access", &["门禁"]),
    (Purpose::DoorContact, "door_contact", &["公共门磁"]),
    (Purpose::LaneCamera, "lane_camera", &["消防通道摄像机"]),
    (Purpose::Noise, "noise", &["噪声", "噪声监测"]),
    (Purpose::Smoke, "smoke", &["烟感", "公共烟感"]),
    (Purpose::Shed, "shed", &["充电棚", "车棚"]),
    (Purpose::Weather, "weather", &["气象站"]),
    (Purpose::ManualPoint, "manual_point", &["手动报警按钮", "手报"]),
    (Purpose::FireRelay, "fire_relay", &["消防联动"]),
    (Purpose::Valve, "valve", &["阀门", "燃气阀", "机械手"]),
    (Purpose::Breaker, "breaker", &["断路器", "空开"]),
    (Purpose::Speaker, "speaker", &["广播", "音柱"]),
    (Purpose::Telephone, "telephone", &["电话外呼", "外呼平台"]),
    (Purpose::Hub, "hub", &["网关"]),
    (Purpose::Other, "other", &["其他"]),
];

const ROLES: &[Word<Role>] = &[
    (Role::Guard, "guard", &["保安"]),
    (Role::GridWorker, "grid_worker", &["网格员"]),
    (Role::Captain, "captain", &["楼栋长"]),
    (Role::ControlRoom, "control_room", &["消控室"]),
    (Role::Manager, "manager", &["物业经理"]),
    (Role::Officer, "officer", &["民警"]),
    (Role::Station, "station", &["派出所"]),
    (Role::Leader, "leader", &["领导"]),
    (Role::Maintainer, "maintainer", &["维保"]),
    (Role::Family, "family", &["家属"]),
];

const YES: &[&str] = &["yes", "y", "true", "1", "是", "有", "√", "✓"];
const NO: &[&str] = &["no", "n", "false", "0", "否", "没有", "×"];

/// Days of the week, Monday first.
const DAYS: [&[&str]; 7] = [
    &["mon", "monday", "周一", "星期一"],
    &["tue", "tuesday", "周二", "星期二"],
    &["wed", "wednesday", "周三", "星期三"],
    &["thu", "thursday", "周四", "星期四"],
    &["fri", "friday", "周五", "星期五"],
    &["sat", "saturday", "周六", "星期六"],
    &["sun", "sunday", "周日", "星期日", "星期天"],
];

const SEVERAL_DAYS: [(&str, [bool; 7]); 6] = [
    ("daily", [true; 7]),
    ("每天", [true; 7]),
    ("weekdays", [true, true, true, true, true, false, false]),
    ("工作日", [true, true, true, true, true, false, false]),
    ("weekend", [false, false, false, false, false, true, true]),
    ("周末", [false, false, false, false, false, true, true]),
];

pub(crate) fn kind(text: &str) -> Option<PlaceKind> {
    find(KINDS, text)
}

pub(crate) fn purpose(text: &str) -> Option<Purpose> {
    find(PURPOSES, text)
}

pub(crate) fn role(text: &str) -> Option<Role> {
    find(ROLES, text)
}

/// The documented names, for a suggestion.
pub(crate) fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|word| word.1)
}

/// See [`kinds`].
pub(crate) fn purposes() -> impl Iterator<Item = &'static str> {
    PURPOSES.iter().map(|word| word.1)
}

/// See [`kinds`].
pub(crate) fn roles() -> impl Iterator<Item = &'static str> {
    ROLES.iter().map(|word| word.1)
}

/// The documented name of a purpose.
pub(crate) fn purpose_name(purpose: Purpose) -> &'static str {
    PURPOSES.iter().find(|word| word.0 == purpose).map_or("other", |word| word.1)
}

/// The documented name of a kind.
pub(crate) fn kind_name(kind: PlaceKind) -> &'static str {
    KINDS.iter().find(|word| word.0 == kind).map_or("other", |word| word.1)
}

fn find<T: Copy>(words: &[Word<T>], text: &str) -> Option<T> {
    let text = text.to_lowercase().replace([' ', '-'], "_");
    words.iter().find(|(_, name, also)| *name == text || also.contains(&text.as_str())).map(|word| word.0)
}

/// Yes or no; an empty cell is no.
pub(crate) fn flag(text: &str) -> Result<bool, &'static str> {
    let text = text.to_lowercase();
    if YES.contains(&text.as_str()) {
        return Ok(true);
    }
    if text.is_empty() || NO.contains(&text.as_str()) {
        return Ok(false);
    }
    Err("must be yes or no (是 or 否)")
}

/// A length of time with its unit: `30s`, `10min`, `1h`, `2d`, or 秒, 分钟, 小时, 天.
pub(crate) fn span(text: &str) -> Result<Span, &'static str> {
    const SHAPE: &str = "must be a whole number with a unit, such as 30s, 10min, 1h or 1d";
    let text = text.to_lowercase();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: i64 = number.parse().map_err(|_| SHAPE)?;
    let seconds = match unit.trim() {
        "s" | "sec" | "秒" => 1,
        "min" | "m" | "分" | "分钟" => 60,
        "h" | "小时" => 3_600,
        "d" | "天" => 86_400,
        _ => return Err(SHAPE),
    };
    Ok(Span::secs(number.saturating_mul(seconds)))
}

/// Columns of a façade, inclusive: `3` or `1-4`, each 0–999.
pub(crate) fn columns(text: &str) -> Result<(i32, i32), &'static str> {
    const SHAPE: &str = "must be a column such as 3, or a range such as 1-4, each 0 to 999";
    let (from, until) = text.split_once(['-', '–', '~']).unwrap_or((text, text));
    let number = |text: &str| -> Option<i32> { text.trim().parse().ok().filter(|n| (0..=999).contains(n)) };
    match (number(from), number(until)) {
        (Some(from), Some(until)) if from <= until => Ok((from, until)),
        (Some(_), Some(_)) => Err("ends before it begins; write the smaller column first"),
        _ => Err(SHAPE),
    }
}

/// A shift: `08:00-20:00`. One that ends at or before its start runs past midnight; equal ends are a whole day.
pub(crate) fn shift(text: &str) -> Result<Shift, &'static str> {
    const SHAPE: &str = "must be from and until as HH:MM-HH:MM, such as 08:00-20:00 or 20:00-08:00";
    let (from, until) = text.split_once(['-', '–', '~', '至']).ok_or(SHAPE)?;
    let from = minute(from).ok_or(SHAPE)?;
    let until = minute(until).ok_or(SHAPE)?;
    if from == 1_440 {
        return Err("cannot begin at 24:00; write 00:00 and move the day");
    }
    Ok(Shift { from: MinuteOfDay(from), until: MinuteOfDay(until) })
}

/// Minutes after midnight, 0–1440, of `HH:MM`.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once([':', '：'])?;
    let two = |text: &str| -> Option<u16> {
        let digits = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { text.parse().ok() } else { None }
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= 1_440).then_some(minute)
}

/// Days: `mon`, `mon-fri`, `fri-mon`, `daily`, `weekdays`, `weekend`, or 周一, 周一至周五, 每天, 工作日, 周末.
pub(crate) fn days(text: &str) -> Result<[bool; 7], &'static str> {
    const SHAPE: &str = "must be days such as mon, mon-fri, daily, weekdays or weekend";
    let text = text.trim().to_lowercase();
    if let Some((_, days)) = SEVERAL_DAYS.iter().find(|(name, _)| *name == text) {
        return Ok(*days);
    }
    let (first, last) = text.split_once(['-', '–', '~', '至']).unwrap_or((&text, &text));
    let first = day(first).ok_or(SHAPE)?;
    let last = day(last).ok_or(SHAPE)?;
    let length = (last + 7 - first) % 7;
    let mut days = [false; 7];
    for (index, day) in days.iter_mut().enumerate() {
        *day = (index + 7 - first) % 7 <= length;
    }
    Ok(days)
}

fn day(text: &str) -> Option<usize> {
    DAYS.iter().position(|names| names.contains(&text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_under_its_english_and_its_chinese_name() {
        assert_eq!(kind("building"), Some(PlaceKind::Building));
        assert_eq!(kind("楼栋"), Some(PlaceKind::Building));
        assert_eq!(purpose("Lift camera"), Some(Purpose::LiftCamera));
        assert_eq!(purpose("入户门磁"), Some(Purpose::HomeDoor));
        assert_eq!(ROLES.len(), Role::ALL.len());
        for role in Role::ALL {
            assert_eq!(self::role(role.name()), Some(role));
        }
    }

    #[test]
    fn a_length_of_time_needs_its_unit() {
        assert_eq!(span("10 min"), Ok(Span::mins(10)));
        assert_eq!(span("1小时"), Ok(Span::hours(1)));
        assert_eq!(span("2D"), Ok(Span::hours(48)));
        for bad in ["", "10", "1.5h", "-3s", "soon", "99999999999999999999s", "１h"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn columns_are_one_or_a_range() {
        assert_eq!(columns("3"), Ok((3, 3)));
        assert_eq!(columns("1 - 4"), Ok((1, 4)));
        for bad in ["", "4-1", "a-b", "1-1000", "1-2-3"] {
            assert!(columns(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_shift_may_run_past_midnight() {
        let minutes = |text| shift(text).map(|shift| (shift.from.0, shift.until.0));
        assert_eq!(minutes("08:00-20:00"), Ok((480, 1_200)));
        assert_eq!(minutes("20:00 至 8:00"), Ok((1_200, 480)));
        assert_eq!(minutes("16:00-00:00"), Ok((960, 0)));
        assert_eq!(minutes("00:00-24:00"), Ok((0, 1_440)));
        for bad in ["", "8-20", "25:00-08:00", "08:60-09:00", "24:00-08:00", "24:01-08:00", "08:00"] {
            assert!(shift(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn days_are_single_or_a_run_even_over_the_weekend() {
        assert_eq!(days("wed"), Ok([false, false, true, false, false, false, false]));
        assert_eq!(days("周一至周五"), days("weekdays"));
        assert_eq!(days("fri-mon"), Ok([true, false, false, false, true, true, true]));
        assert_eq!(days("mon-sun"), Ok([true; 7]));
        for bad in ["", "someday", "mon-", "mon,tue"] {
            assert!(days(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn yes_and_no_come_in_both_languages_and_nothing_else() {
        assert_eq!((flag("是"), flag("No"), flag("")), (Ok(true), Ok(false), Ok(false)));
        assert!(flag("maybe").is_err());
    }
}
