//! What people read.

use crate::rules::{KindWords, text};

pub(super) const FORCED: &str = "access_forced";
pub(super) const HELD: &str = "access_held";
pub(super) const DENIED: &str = "access_denied";
pub(super) const DURESS: &str = "access_duress";
pub(in crate::rules) const WATCH_HIT: &str = "watch_hit";

pub(super) fn of(kind: &str) -> Option<KindWords> {
    let (title, advice) = match kind {
        FORCED => (
            text("强行开门", "Door forced"),
            vec![
                text(
                    "看该门录像，再派人到场，不要单独处置",
                    "Look at the door's camera, then go there, not alone",
                ),
                text("检查门锁和闭门器", "Check lock and door closer"),
                text(
                    "有入侵迹象：报警并保留录像",
                    "Signs of a break-in: call the police, keep the recording",
                ),
            ],
        ),
        HELD => (
            text("门长时间未关", "Door held open"),
            vec![
                text("到场关门，问清原因", "Close it, and ask why it was open"),
                text("搬家、施工请先登记", "Moving house or works: enter a permit first"),
            ],
        ),
        DENIED => (
            text("多次刷卡被拒", "Denied again and again"),
            vec![
                text(
                    "通话询问，核对身份，住户忘带卡的帮忙开门",
                    "Speak to them and check who it is; help a resident without a card",
                ),
                text("可疑的派人到场", "If in doubt, go there"),
            ],
        ),
        DURESS => (
            text("胁迫开门", "Door opened under duress"),
            vec![
                text("不要回拨、不要在门口出现提示", "Do not call back; show nothing at the door"),
                text("立即报警，便衣靠近观察", "Call the police at once; watch from a distance"),
                text("确认当事人安全后点“处理结果”", "Tap Resolve when the person is safe"),
            ],
        ),
        WATCH_HIT => (
            text("比对提示待复核", "A hit to review"),
            vec![
                text(
                    "只是提示，不作依据：由指定人员复核",
                    "A hint, not evidence: for the named reviewer alone",
                ),
                text(
                    "十分钟无人复核自动删除，图片同时删除",
                    "Gone after ten minutes without a review, and its picture with it",
                ),
            ],
        ),
        "access" => (text("门禁", "Doors"), Vec::new()),
        _ => return None,
    };
    Some(KindWords { title, advice })
}
