//! What people read. A wrong floor harms a neighbour: words speak of floors from–until, never of a household.

use super::super::{KindWords, text};
use super::throw::{Range, Throw};
use wanglou_model::Reason;

pub(super) fn kind() -> KindWords {
    KindWords {
        title: text("高空抛物", "Thrown object"),
        advice: vec![
            text(
                "先看楼下有没有人受伤，有人受伤拨打120",
                "First look whether anybody is hurt; if so call 120",
            ),
            text(
                "抬头看，贴墙走，拦住行人，防止再次抛物",
                "Look up, keep to the wall, keep people away: more may fall",
            ),
            text("落物不要动，拍照，记下位置", "Do not touch what fell; take a photo and note the spot"),
            text(
                "楼层是范围，不要指认住户，由民警核实",
                "The floors are a range: name no household, the police will ask",
            ),
            text("处理完点“处理结果”", "When done, tap Resolve"),
        ],
    }
}

pub(super) fn review(throw: &Throw) -> Reason {
    let (zh, en) = floors(throw.floors());
    let (zh, en) = match throw.late {
        true => (
            format!("迟到的高空抛物消息{zh}，请复核"),
            format!("late news of a thrown object{en}: please review"),
        ),
        false => {
            (format!("疑似高空抛物{zh}，请复核录像"), format!("perhaps a thrown object{en}: please review"))
        }
    };
    Reason::new("throw_to_review", zh, en)
}

pub(super) fn certain(throw: &Throw) -> Reason {
    let (zh, en) = floors(throw.floors());
    match (throw.people_below, throw.cameras.len()) {
        (true, _) => Reason::new(
            "throw_people_below",
            format!("高空抛物{zh}，楼下有人"),
            format!("an object was thrown{en}, with people below"),
        ),
        (false, 2..) => Reason::new(
            "throw_seen_twice",
            format!("高空抛物{zh}，两台摄像机均拍到"),
            format!("an object was thrown{en}, seen by two cameras"),
        ),
        (false, _) => Reason::new("throw_seen", format!("高空抛物{zh}"), format!("an object was thrown{en}")),
    }
}

pub(super) fn second_camera() -> Reason {
    Reason::new("merged", "另一台摄像机也拍到", "a second camera saw it too")
}

pub(super) fn confirmed() -> Reason {
    Reason::new("confirmed", "复核属实", "confirmed by review")
}

pub(super) fn person_hit() -> Reason {
    Reason::new(
        "person_hit",
        "有人反映被抛物砸伤，立即查看伤者",
        "somebody says that a person was hit: look for them now",
    )
}

pub(super) fn burning() -> Reason {
    Reason::new(
        "burning",
        "有人反映抛物起火，立即查看",
        "somebody says that it burns where it fell: go there now",
    )
}

pub(super) fn told_of() -> Reason {
    Reason::new("reported", "有人反映高空抛物", "somebody says that something was thrown")
}

pub(super) fn investigate() -> Reason {
    Reason::new("investigate", "调查中", "being looked into")
}

pub(super) fn review_first() -> Reason {
    Reason::new("review_first", "请先复核是否属实", "review it first: is it real?")
}

pub(super) fn storm() -> Reason {
    Reason::new(
        "camera_storm",
        "摄像机误报过多（下雨、飞虫或镜头脏），弱告警暂停 30 分钟",
        "too many hits (rain, insects, a dirty lens): its weak hits are shelved",
    )
}

pub(super) fn storm_over() -> Reason {
    Reason::new("camera_storm_over", "摄像机告警恢复", "the camera's hits count again")
}

fn floors(floors: Option<(Range, bool)>) -> (String, String) {
    let Some((range, agreed)) = floors else { return (String::new(), String::new()) };
    let (zh, en) = match range {
        (from, until) if from == until => (format!("{from}层"), format!("floor {from}")),
        (from, i32::MAX) => (format!("{from}层以上"), format!("floor {from} or above")),
        (i32::MIN, until) => (format!("{until}层以下"), format!("floor {until} or below")),
        (from, until) => (format!("{from}–{until}层"), format!("floors {from}–{until}")),
    };
    match agreed {
        true => (format!("（约{zh}）"), format!(" from {en}")),
        false => (format!("（{zh}，各摄像机判断不一致）"), format!(" from {en} (cameras disagree)")),
    }
}
