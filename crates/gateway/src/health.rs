//! Is the gateway well, and if not, why: red before it lies.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use wanglou_model::Text;

/// Something that can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// Recovery is not finished.
    Starting,
    /// The alarm lane is not connected, or its backlog is still coming.
    AlarmPath,
    /// The same of the bulk lane.
    BulkPath,
    /// No room for intake.
    Disk,
    /// Records were lost to damage.
    Journal,
    /// The wall clock cannot be trusted.
    Clock,
    /// An alarm found nobody who can be reached.
    Reachability,
    /// The views could not be kept.
    Views,
    /// The latest reload was refused.
    Reload,
    /// Canaries do not come back: an alarm may not reach a phone either.
    Canary,
    /// The newest backup is too old, or the latest one failed.
    Backup,
    /// The files of our own certificate are no good.
    Certificate,
}

impl Concern {
    /// All of them.
    pub const ALL: [Concern; 12] = [
        Concern::Starting,
        Concern::AlarmPath,
        Concern::BulkPath,
        Concern::Disk,
        Concern::Journal,
        Concern::Clock,
        Concern::Reachability,
        Concern::Views,
        Concern::Reload,
        Concern::Canary,
        Concern::Backup,
        Concern::Certificate,
    ];

    /// The name in metrics and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Concern::Starting => "starting",
            Concern::AlarmPath => "alarm_path",
            Concern::BulkPath => "bulk_path",
            Concern::Disk => "disk",
            Concern::Journal => "journal",
            Concern::Clock => "clock",
            Concern::Reachability => "reachability",
            Concern::Views => "views",
            Concern::Reload => "reload",
            Concern::Canary => "canary",
            Concern::Backup => "backup",
            Concern::Certificate => "certificate",
        }
    }

    /// What it means, for people who do not read the detail.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Concern::Starting => ("正在启动", "Starting"),
            Concern::AlarmPath => ("告警通道不通", "The alarm path is not up"),
            Concern::BulkPath => ("数据通道不通", "The bulk path is not up"),
            Concern::Disk => ("磁盘空间不足，暂停接收", "The disk is full, intake waits"),
            Concern::Journal => ("日志有损坏", "The journal is damaged"),
            Concern::Clock => ("系统时钟不可信", "The clock cannot be trusted"),
            Concern::Reachability => ("有告警无人可送达", "An alarm reached nobody"),
            Concern::Views => ("历史视图正在重建", "The history is being written anew"),
            Concern::Canary => ("自检消息没有回来", "The canaries do not come back"),
            Concern::Backup => ("备份失败或过旧", "There is no fresh backup"),
            Concern::Reload => {
                ("新配置有误，仍用原配置", "The new configuration was refused, the old one runs on")
            }
            Concern::Certificate => {
                ("新证书有误，仍用原证书", "The new certificate is no good, the old one is shown")
            }
        }
    }

    /// While it lasts the gateway does not count as ready.
    fn unready(self) -> bool {
        matches!(self, Concern::Starting | Concern::AlarmPath | Concern::Disk)
    }
}

/// What is wrong, in words: said in both languages, or a system's own words, which are told as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// Ours.
    Said(Text),
    /// Somebody else's: an error of the system, of the broker, of a file.
    Quoted(String),
}

impl Detail {
    /// Our words.
    pub fn said(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Said(Text { zh: zh.into(), en: en.into() })
    }
}

impl From<String> for Detail {
    fn from(words: String) -> Self {
        Self::Quoted(words)
    }
}

impl From<&str> for Detail {
    fn from(words: &str) -> Self {
        Self::Quoted(words.to_owned())
    }
}

/// The present concerns, with words.
#[derive(Debug, Default)]
pub struct Health {
    concerns: Mutex<BTreeMap<Concern, Text>>,
}

impl Health {
    /// Something is wrong.
    pub fn raise(&self, concern: Concern, detail: impl Into<Detail>) {
        let (zh, en) = concern.words();
        let words = match detail.into() {
            Detail::Said(text) => {
                Text { zh: format!("{zh}：{}", text.zh), en: format!("{en}: {}", text.en) }
            }
            Detail::Quoted(words) => Text { zh: format!("{zh}（{words}）"), en: format!("{en}: {words}") },
        };
        let mut concerns = self.concerns.lock().unwrap_or_else(PoisonError::into_inner);
        let told = words.en.clone();
        if concerns.insert(concern, words).is_none() {
            tracing::warn!(concern = concern.name(), words = told, "health");
        }
    }

    /// It is well again.
    pub fn clear(&self, concern: Concern) {
        if self.concerns.lock().unwrap_or_else(PoisonError::into_inner).remove(&concern).is_some() {
            tracing::info!(concern = concern.name(), "health restored");
        }
    }

    /// What is wrong now.
    pub fn concerns(&self) -> Vec<(Concern, Text)> {
        let concerns = self.concerns.lock().unwrap_or_else(PoisonError::into_inner);
        concerns.iter().map(|(concern, words)| (*concern, words.clone())).collect()
    }

    /// Are messages taken in, on disk, and judged?
    pub fn is_ready(&self) -> bool {
        !self.concerns().iter().any(|(concern, _)| concern.unready())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_concern_is_told_in_both_languages_and_a_quotation_as_it_is() {
        let health = Health::default();
        health.raise(Concern::AlarmPath, Detail::said("正在接收积压消息", "the backlog is coming in"));
        health.raise(Concern::BulkPath, "Connection refused");
        let words: Vec<Text> = health.concerns().into_iter().map(|(_, words)| words).collect();
        assert_eq!(words[0].zh, "告警通道不通：正在接收积压消息");
        assert_eq!(words[0].en, "The alarm path is not up: the backlog is coming in");
        assert_eq!(words[1].zh, "数据通道不通（Connection refused）");
        assert!(!health.is_ready());
        health.clear(Concern::AlarmPath);
        assert!(health.is_ready());
    }
}
