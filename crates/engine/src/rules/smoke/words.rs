//! What people read: calm, short, what to do first comes first.

use super::spot::Sense;
use crate::rules::{KindWords, text};
use wanglou_model::{PlaceId, Reason, Site};

pub(super) fn smoke() -> KindWords {
    KindWords { title: text("烟雾告警", "Smoke"), advice: advice() }
}

pub(super) fn heat() -> KindWords {
    KindWords { title: text("高温火警", "Heat alarm"), advice: advice() }
}

fn advice() -> Vec<wanglou_model::Text> {
    vec![
        text(
            "带灭火器到现场；敲门，问是不是做饭",
            "Go there with an extinguisher; knock, and ask whether it is cooking",
        ),
        text(
            "见到明火或浓烟：先喊人撤离，立即拨打119，再点“确认”",
            "Flames or thick smoke: get people out, call 119 at once, then tap Confirm",
        ),
        text("不要开热的门，不要乘电梯", "Do not open a hot door; do not take the lift"),
        text("没人应门又有烟：拨打119，通知消控室", "Smoke and no answer: call 119, tell the control room"),
        text(
            "确认是做饭、吸烟等：点“误报”，五分钟内烟散后自动结束",
            "Cooking or the like: tap False alarm; it ends by itself if the smoke is gone within five minutes",
        ),
    ]
}

pub(super) fn told_too() -> Reason {
    Reason::new(
        "confirmed",
        "有人报告起火，已核实：立即拨打119",
        "somebody tells of a fire too, confirmed: call 119 now",
    )
}

pub(super) fn told_elsewhere(site: &Site, place: &PlaceId) -> Reason {
    let named = site.path_of(place);
    let zh: String = named.iter().map(|name| name.zh.as_str()).collect();
    let en: Vec<&str> = named.iter().map(|name| name.en.as_str()).collect();
    let en = en.join(", ");
    let [zh, en] =
        [zh, en].map(|name| if name.trim_matches([',', ' ']).is_empty() { place.to_string() } else { name });
    Reason::new(
        "told_elsewhere",
        format!("同楼另有人报告起火：{zh}"),
        format!("somebody tells of fire at another place of the building: {en}"),
    )
}

pub(super) fn sensed(sense: Sense) -> Reason {
    match sense {
        Sense::Smoke => Reason::new("smoke", "烟雾探测器告警", "a smoke detector says so"),
        Sense::Heat => Reason::new("heat", "感温探测器告警", "a heat detector says so"),
        Sense::ManualPoint => {
            Reason::new("manual_point", "手动火灾报警按钮被按下", "a manual call point was pressed")
        }
        Sense::Flame => Reason::new("camera_flame", "摄像机发现明火", "a camera sees flames"),
        Sense::Co => Reason::new("co", "一氧化碳探测器告警", "a CO detector says so"),
    }
}

pub(super) fn agreed() -> Reason {
    let zh = "第二个探测器同时告警，已确认：立即拨打119";
    Reason::new("confirmed", zh, "a second detector agrees, confirmed: call 119 now")
}

pub(super) fn person_says_so() -> Reason {
    Reason::new("confirmed", "现场人员确认火情：立即拨打119", "confirmed by a person: call 119 now")
}

pub(super) fn asked_for_help() -> Reason {
    Reason::new(
        "asked_for_help",
        "住户求助，按火情处置：立即拨打119",
        "the resident asks for help: call 119 now",
    )
}

pub(super) fn no_word() -> Reason {
    Reason::new("no_word", "现场一直没有回音：请拨打119", "no word from the spot: call 119")
}

pub(super) fn cooking() -> Reason {
    Reason::new("cooking", "住户说是做饭，等待烟散", "cooking, they say: waiting for the smoke to go")
}

pub(super) fn still_there() -> Reason {
    Reason::new("still_smoke", "说是做饭，烟仍未散", "cooking, they said, and the smoke is still there")
}

pub(super) fn clear() -> Reason {
    Reason::new("smoke_gone", "探测器已恢复", "the detector is quiet again")
}
