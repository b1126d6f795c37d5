//! Evidence: what became of each picture and clip since it was ingested, and who may take it out. A court must be able
//! to rely on it, so that what differs from its hash, or has none yet, is not handed out.

use crate::alarm::Alarm;
use crate::command::{Outcomes, invalid};
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wanglou_model::{Answer, CustodyEvent, Evidence, EvidenceNews, Fact, OfficerId, Reason, Role, Timestamp};

/// Lines of one custody list; at the limit the oldest after the first goes.
pub(crate) const CUSTODY_MAX: usize = 256;
/// The first lines stay: how each piece came in.
const CUSTODY_KEPT: usize = 64;

/// One line of a custody list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustodyLine {
    /// When.
    pub at: Timestamp,
    /// Which piece, counted from 0.
    pub number: usize,
    /// What became of it.
    pub event: CustodyEvent,
    /// The SHA-256 of its bytes then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Who did it; absent: the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OfficerId>,
    /// In words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// The detail of an alarm that says how its evidence stands.
pub(crate) const DETAIL: &str = "evidence";

/// How evidence stands as a whole: `complete`, `pending` while a hash is missing, or `mismatch`.
pub(crate) fn state(evidence: &[Evidence], custody: &[CustodyLine]) -> &'static str {
    let differs = |number: usize| has_mismatch(custody, number);
    match () {
        () if (0..evidence.len()).any(differs) => "mismatch",
        () if evidence.iter().any(|found| found.sha256.is_none()) => "pending",
        () => "complete",
    }
}

/// The same piece, whether or not its hash was known when it was named.
pub(crate) fn is_same(a: &Evidence, b: &Evidence) -> bool {
    match (&a.uri, &b.uri) {
        (Some(a), Some(b)) => a == b,
        (Some(_), None) | (None, Some(_)) => false,
        (None, None) => a.sha256 == b.sha256,
    }
}

fn has_mismatch(custody: &[CustodyLine], number: usize) -> bool {
    custody.iter().any(|line| line.number == number && line.event == CustodyEvent::Mismatch)
}

impl Alarm {
    /// A line of the custody list; bytes that we hold give the piece its hash.
    pub(crate) fn keep_custody(&mut self, line: CustodyLine) {
        if line.event == CustodyEvent::Held
            && let Some(piece) = self.evidence.get_mut(line.number)
        {
            piece.sha256 = piece.sha256.take().or(line.sha256.clone());
        }
        if self.custody.len() >= CUSTODY_MAX {
            self.custody.remove(CUSTODY_KEPT);
        }
        self.custody.push(line);
        self.dirty = true;
    }
}

/// What news of a piece of evidence comes to.
pub(crate) fn news(world: &World, news: &EvidenceNews) -> Vec<Fact> {
    let Some(alarm) = world.book.alarms.get(&news.alarm) else { return Vec::new() };
    let Some(piece) = alarm.evidence.get(news.number) else { return Vec::new() };
    let differs = |named: &String| news.sha256.as_ref().is_some_and(|found| found != named);
    let event = match news.event {
        CustodyEvent::Held if piece.sha256.as_ref().is_some_and(differs) => CustodyEvent::Mismatch,
        CustodyEvent::Held if news.sha256.is_none() => return Vec::new(),
        event @ (CustodyEvent::Held | CustodyEvent::Failed | CustodyEvent::Mismatch) => event,
        CustodyEvent::Exported | CustodyEvent::ExportRefused | CustodyEvent::Erased => return Vec::new(),
    };
    let known =
        |line: &CustodyLine| line.number == news.number && line.event == event && line.sha256 == news.sha256;
    if alarm.custody.iter().any(known) {
        return Vec::new();
    }
    let custody = Fact::Custody {
        alarm: alarm.id.clone(),
        number: news.number,
        event,
        sha256: news.sha256.clone(),
        by: None,
        detail: news.detail.clone(),
    };
    let state = state_after(alarm, news, event);
    let shown = alarm.details.get(DETAIL).and_then(Value::as_str) == Some(state);
    let details = BTreeMap::from([(DETAIL.to_owned(), json!(state))]);
    let detailed = (!shown).then(|| Fact::Detailed { alarm: alarm.id.clone(), details });
    std::iter::once(custody).chain(detailed).collect()
}

fn state_after(alarm: &Alarm, news: &EvidenceNews, event: CustodyEvent) -> &'static str {
    let mut after = alarm.clone();
    after.keep_custody(CustodyLine {
        at: Timestamp(0),
        number: news.number,
        event,
        sha256: news.sha256.clone(),
        by: None,
        detail: String::new(),
    });
    state(&after.evidence, &after.custody)
}

/// Decides whether evidence may be taken out. Both ways it is a line of the custody list.
pub(crate) fn export(
    world: &World,
    alarm: &Alarm,
    by: &OfficerId,
    number: Option<usize>,
    sha256: Option<&String>,
) -> Outcomes {
    let known = world.setup.site.officers.get(by);
    let roles = [Role::ControlRoom, Role::Manager, Role::Officer, Role::Station, Role::Leader];
    if !known.is_some_and(|officer| officer.admin || roles.iter().any(|role| officer.roles.contains(role))) {
        return Outcomes::refused(Answer::Forbidden);
    }
    let wanted: Vec<usize> = match number {
        Some(number) if number < alarm.evidence.len() => vec![number],
        Some(_) => Vec::new(),
        None => (0..alarm.evidence.len()).collect(),
    };
    if wanted.is_empty() {
        return invalid("no_evidence", "没有这份证据", "there is no such evidence");
    }
    let refusal = wanted.iter().find_map(|number| refusal(alarm, *number, sha256));
    let event = if refusal.is_some() { CustodyEvent::ExportRefused } else { CustodyEvent::Exported };
    let line = |number: &usize| Fact::Custody {
        alarm: alarm.id.clone(),
        number: *number,
        event,
        sha256: sha256.cloned().or_else(|| alarm.evidence.get(*number)?.sha256.clone()),
        by: Some(by.clone()),
        detail: refusal.as_ref().map(|reason| reason.code.clone()).unwrap_or_default(),
    };
    let facts = wanted.iter().map(line).collect();
    let answer = match refusal {
        Some(reason) => Answer::Invalid { reason },
        None => Answer::Ok { alarm: alarm.id.clone() },
    };
    Outcomes { facts, answer }
}

/// Why a piece is not handed out, if it is not.
fn refusal(alarm: &Alarm, number: usize, found: Option<&String>) -> Option<Reason> {
    let recorded = alarm.evidence.get(number)?.sha256.as_ref();
    let differs = || found.zip(recorded).is_some_and(|(found, recorded)| found != recorded);
    match () {
        () if has_mismatch(&alarm.custody, number) || differs() => Some(Reason::new(
            "evidence_mismatch",
            "内容与入库时的指纹不符，不能导出",
            "its bytes are not those of its hash at ingest: it is not handed out",
        )),
        () if recorded.is_none() => Some(Reason::new(
            "evidence_pending",
            "证据尚未取得，暂不能导出",
            "it was not had yet, so that there is no hash: it is not handed out",
        )),
        () => None,
    }
}
