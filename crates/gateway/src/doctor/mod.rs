//! `wanglou doctor`: is everything around the gateway as it must be? Looks, and changes nothing that lasts.

mod broker;
mod certificates;
mod machine;
mod people;

use crate::configuration::{self, Severity};
use std::path::{Path, PathBuf};
use wanglou_model::Text;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and somebody should look.
    Warn,
    /// It does not work, or will not for long.
    Fault,
}

impl Level {
    /// The word at the beginning of a line.
    pub fn name(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fault => "fault",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it stands.
    pub level: Level,
    /// What was found.
    pub found: Text,
    /// What to do about it; empty when it is well.
    pub todo: Text,
}

fn text(zh: impl Into<String>, en: impl Into<String>) -> Text {
    Text { zh: zh.into(), en: en.into() }
}

impl Finding {
    fn ok(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { level: Level::Ok, found: text(zh, en), todo: text("", "") }
    }

    fn warn(found: Text, todo: Text) -> Self {
        Self { level: Level::Warn, found, todo }
    }

    fn fault(found: Text, todo: Text) -> Self {
        Self { level: Level::Fault, found, todo }
    }
}

/// What may be tried beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct Extra {
    /// Files with user and password of a device, to see that it cannot speak for its neighbour.
    pub device: Option<(PathBuf, PathBuf)>,
}

/// Looks at everything, in the order in which it is best mended.
pub async fn look(config: &Path, extra: &Extra) -> Vec<Finding> {
    let loaded = match configuration::load(config) {
        Ok(loaded) => loaded,
        Err(faults) => {
            let errors = faults.iter().filter(|fault| fault.severity == Severity::Error).count();
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            return vec![Finding::fault(
                text(
                    format!("配置有 {errors} 处错误：{first}"),
                    format!("the configuration has {errors} faults: {first}"),
                ),
                text(
                    format!("wanglou check --config {}，改好后再来", config.display()),
                    format!("wanglou check --config {} names them all; then come back", config.display()),
                ),
            )];
        }
    };
    let warnings = loaded.warnings.len();
    let mut found = vec![if warnings == 0 {
        Finding::ok("配置正确", "the configuration is right")
    } else {
        let command = format!("wanglou check --config {}", config.display());
        let first = &loaded.warnings[0].message;
        Finding::warn(
            text(
                format!("配置有 {warnings} 条提示，如：{first}"),
                format!("the configuration has {warnings} warnings, such as: {first}"),
            ),
            text(command.clone(), command),
        )
    }];
    let data = loaded.folder.join(&loaded.gateway.data);
    found.push(machine::clock(loaded.gateway.clock.require_sync));
    found.extend(machine::disk(&data, &loaded.gateway));
    found.push(machine::descriptors(loaded.gateway.http.sockets_max));
    found.extend(broker::look(&loaded, extra).await);
    found.extend(certificates::look(&loaded).await);
    found.push(people::push(&loaded.gateway, &data));
    found.extend(people::running(&loaded.gateway).await);
    found.push(people::backups(&loaded));
    found
}

/// The worst of them.
pub fn worst(found: &[Finding]) -> Level {
    found.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
}
