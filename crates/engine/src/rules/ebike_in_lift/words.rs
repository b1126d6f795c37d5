//! What people read: calm, short, what to do first comes first.

use super::super::{KindWords, text};
use super::bike::{Bike, Doubt};
use wanglou_model::Reason;

/// The kind of alarms about the lift itself.
pub(super) const LIFT_FAULT: &str = "lift_fault";

pub(super) fn ebike() -> KindWords {
    KindWords {
        title: text("电动车进电梯", "E-bike in lift"),
        advice: vec![
            text(
                "请骑车人把电动车推出电梯，语气平和",
                "Ask the rider, calmly, to take the e-bike out of the lift",
            ),
            text(
                "电梯停着时再处理，切勿强行停运行中的电梯",
                "Act only while the lift stands; never try to stop a moving one",
            ),
            text(
                "闻到焦味或看到烟：人员撤离，远离轿厢，拨打119",
                "Burning smell or smoke: get everybody away from the lift and call 119",
            ),
            text(
                "车已推到楼层的，到该层查看是否停放、充电",
                "If it was taken out at a floor, look there for parking or charging",
            ),
            text("处理完点“处理结果”", "When done, tap Resolve"),
        ],
    }
}

/// The kind of summaries for the officer.
pub(super) const SUMMARY: &str = "ebike_summary";

pub(super) fn summary_kind() -> KindWords {
    KindWords {
        title: text("电动车多次进同一电梯", "E-bikes in one lift again and again"),
        advice: vec![text(
            "到该单元走访、宣传，查看充电车棚是否够用",
            "Talk to people there; look whether the sheds are enough",
        )],
    }
}

pub(super) fn summary(settings: &super::EbikeInLiftSettings) -> Reason {
    let (hits, days) = (settings.summary_hits, settings.summary_days);
    Reason::new(
        "third_hit",
        format!("{days}天内第{hits}次有电动车进此电梯"),
        format!("e-bike number {hits} in this lift within {days} days"),
    )
}

pub(super) fn lift_fault() -> KindWords {
    KindWords {
        title: text("电梯异常", "Lift out of order"),
        advice: vec![
            text("先看轿厢内有没有人被困", "First look whether anybody is shut in"),
            text(
                "在电梯口放提示牌，引导住户走另一台电梯",
                "Put up a sign and send residents to the other lift",
            ),
            text("通知电梯维保单位，不要自己拆修", "Call the lift's maintainer; do not repair it yourself"),
        ],
    }
}

pub(super) fn suspect() -> Reason {
    Reason::new("suspect", "疑似电动车，确认中", "perhaps an e-bike: looking again")
}

pub(super) fn raised(bike: &Bike) -> Reason {
    match bike.confidence {
        Some(confidence) => Reason::new(
            "ebike_present",
            format!("轿厢内有电动车（置信度 {:.0}%）", confidence * 100.0),
            format!("an e-bike is in the car ({:.0} % sure)", confidence * 100.0),
        ),
        None => Reason::new("ebike_present", "轿厢内有电动车", "an e-bike is in the car"),
    }
}

pub(super) fn battery() -> Reason {
    Reason::new("battery_present", "有人携带电动车电池乘梯", "somebody carries an e-bike battery in the lift")
}

pub(super) fn fire_near() -> Reason {
    Reason::new(
        "fire_near_ebike",
        "电梯或候梯厅有烟感、温感报警，轿厢内发现过电动车",
        "smoke or heat in the lift or its lobby, and an e-bike was seen in the car",
    )
}

pub(super) fn held_in_fire() -> Reason {
    Reason::new(
        "held_in_fire",
        "电梯已转消防模式，门仍被保持，请立即到现场",
        "fire mode, and the lift's door is still held: go there now",
    )
}

pub(super) fn idle_hold() -> Reason {
    Reason::new(
        "held_without_bike",
        "没有电动车，电梯门仍被保持，电梯停用",
        "the door is held and no e-bike is there: the lift is out of service",
    )
}

pub(super) fn hold_over() -> Reason {
    Reason::new("hold_over", "电梯门保持已解除", "the hold is over")
}

pub(super) fn gone() -> Reason {
    Reason::new("ebike_gone", "轿厢内已无电动车", "no e-bike in the car any more")
}

pub(super) fn complied() -> Reason {
    Reason::new("complied", "电动车已推出电梯，自动结束", "the e-bike was taken out of the lift")
}

pub(super) fn no_frames() -> Reason {
    Reason::new("no_frames", "电梯摄像机无画面数据", "the lift camera sends nothing any more")
}

pub(super) fn frames_again() -> Reason {
    Reason::new("frames_again", "电梯摄像机恢复", "the lift camera is heard again")
}

pub(super) fn doubt(doubt: Doubt) -> Reason {
    let (zh, en) = match doubt {
        Doubt::NoFrames => {
            ("摄像机中断，无法确认电动车是否还在，请到现场查看", "the camera fell silent: go and look")
        }
        Doubt::Offline => {
            ("摄像机离线，无法确认电动车是否还在，请到现场查看", "the camera is offline: go and look")
        }
        Doubt::NoStop => {
            ("摄像机一直没有报离开，无法确认电动车是否还在", "the camera never said that the e-bike left")
        }
    };
    Reason::new("unverified", zh, en)
}

pub(super) fn news_too_old() -> Reason {
    Reason::new("late", "十分钟以前的消息，只记录", "older than ten minutes: recorded only")
}

pub(super) fn voice() -> Reason {
    Reason::new(
        "voice_moving",
        "电梯运行中发现电动车，仅语音提醒",
        "an e-bike in a moving car: the voice only",
    )
}

pub(super) fn release_in_fire() -> Reason {
    Reason::new("release_in_fire", "消防模式，解除电梯门保持", "fire mode: the door is let go")
}

pub(super) fn release_blind() -> Reason {
    Reason::new(
        "release_blind",
        "摄像机中断，解除电梯门保持",
        "the camera fell silent during a hold: the door is let go",
    )
}

pub(super) fn hold_asked() -> Reason {
    Reason::new(
        "hold_asked",
        "轿厢停稳且门已开，请求保持开门",
        "the car stands with its door open: asked to keep it open",
    )
}

pub(super) fn release_asked(why: &str) -> Reason {
    let zh = if why.is_empty() {
        "人工解除电梯门保持".to_owned()
    } else {
        format!("人工解除电梯门保持：{why}")
    };
    let en = if why.is_empty() { "let go by hand".to_owned() } else { format!("let go by hand: {why}") };
    Reason::new("release_asked", zh, en)
}

pub(super) fn not_held() -> Reason {
    Reason::new("not_held", "电梯门未被保持，无需解除", "the lift's door is not held: nothing to release")
}

/// The words for a stage; `floor` is where the car stands, if that is known.
pub(super) fn stage(stage: &str, inside: bool, floor: Option<i32>) -> Reason {
    let (zh, en) = match (stage, inside) {
        ("held", _) => {
            ("电梯门已保持，等待推出".to_owned(), "the door is held until it is taken out".to_owned())
        }
        ("hold_failed", _) => {
            ("门保持未生效，请到现场".to_owned(), "the door hold does not work: go there".to_owned())
        }
        ("held_overdue", _) => {
            ("电梯被保持过久，影响住户，请到现场".to_owned(), "held for too long: go there".to_owned())
        }
        ("defeated", _) => (
            "电梯门被强行关闭或电梯已运行，电动车仍在轿厢内".to_owned(),
            "the hold was defeated: the e-bike rides on".to_owned(),
        ),
        ("released", true) => (
            "门保持已解除，电动车仍在轿厢内".to_owned(),
            "the hold is over and the e-bike is still inside".to_owned(),
        ),
        ("released", false) => ("门保持已解除".to_owned(), "the hold is over".to_owned()),
        ("left_at_floor", _) => match floor {
            Some(floor) => (
                format!("电动车在{floor}层推出，请到该层查看"),
                format!("taken out at floor {floor}: look there"),
            ),
            None => (
                "电动车已推出，楼层不明，请查看".to_owned(),
                "taken out at an unknown floor: look".to_owned(),
            ),
        },
        _ => ("电动车已离开轿厢".to_owned(), "the e-bike has left the car".to_owned()),
    };
    Reason::new(stage, zh, en)
}
