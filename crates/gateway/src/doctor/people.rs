//! People: can they be reached, by what the running gateway says; and the backups.

use super::{Finding, text};
use crate::backup;
use crate::clock;
use crate::configuration::{GatewayFile, Loaded};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(5);

/// The key that phones have subscribed with.
pub(super) fn push(gateway: &GatewayFile, data: &Path) -> Finding {
    let key = data.join(crate::push::KEY_FILE);
    if gateway.push.contact.is_none() {
        return Finding::warn(
            text("未启用推送：关闭应用的手机收不到", "push is off: phones whose app is closed hear nothing"),
            text(
                "设 [push] contact，或给值班人员配电话网关（webhook）",
                "set [push] contact, or give people on duty a telephone gateway (webhook)",
            ),
        );
    }
    match std::fs::metadata(&key) {
        Ok(_) if crate::push::Keys::open(data).is_ok() => {
            Finding::ok("推送密钥可用", "the key of push messages is there")
        }
        Ok(_) => Finding::fault(
            text(
                format!("推送密钥 {} 读不出", key.display()),
                format!("the key of push messages {} cannot be read", key.display()),
            ),
            text(
                "从备份恢复；否则删除它，所有手机重新订阅",
                "get it back from a backup; else remove it, and every phone subscribes anew",
            ),
        ),
        Err(_) => Finding::warn(
            text("推送密钥将在首次启动时生成", "the key of push messages will be made by the first start"),
            text("启动网关", "start the gateway"),
        ),
    }
}

/// What the gateway that runs says of itself.
pub(super) async fn running(gateway: &GatewayFile) -> Vec<Finding> {
    let Some(page) = get(gateway.metrics.listen, "/metrics").await else {
        return vec![Finding::warn(
            text(
                "网关没有在运行：人员是否可达未知",
                "no gateway runs: whether people can be reached is not known",
            ),
            text("启动后再运行本命令", "start it, and run this again"),
        )];
    };
    let mut found = vec![reachable(&page)];
    let reasons: Vec<&str> = page.lines().filter_map(concern).collect();
    if reasons.is_empty() {
        found.push(Finding::ok("网关运行正常", "the gateway runs and is well"));
    }
    for reason in reasons {
        found.push(Finding::fault(
            text(format!("网关报红：{reason}"), format!("the gateway's health is red: {reason}")),
            text(
                "管理页上有原因；docs/runbook.md 有做法",
                "the admin page has the reason, docs/runbook.md what to do",
            ),
        ));
    }
    found
}

/// What a line of the metrics page says makes the health page red.
fn concern(line: &str) -> Option<&str> {
    line.strip_prefix("wanglou_concern{concern=\"")?.strip_suffix("\"} 1")
}

fn reachable(page: &str) -> Finding {
    let metric = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse::<f64>().ok()).unwrap_or_default() as u64
    };
    let (sessions, sockets) = (metric("wanglou_sessions"), metric("wanglou_sockets"));
    let found = text(
        format!("{sessions} 部手机已登录，{sockets} 部在线"),
        format!("{sessions} phones are logged in, {sockets} are connected"),
    );
    match (sessions, sockets) {
        (0, _) => Finding::fault(
            found,
            text("给每人登录一部手机：wanglou enrol", "log a phone in for each person: wanglou enrol"),
        ),
        (_, 0) => Finding::warn(
            found,
            text(
                "打开应用；检查反向代理是否放行 WebSocket",
                "open the app; does the proxy let WebSockets through?",
            ),
        ),
        _ => Finding { level: super::Level::Ok, found, todo: text("", "") },
    }
}

async fn get(mut address: SocketAddr, path: &str) -> Option<String> {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let client = reqwest::Client::builder().no_proxy().timeout(WITHIN).build().ok()?;
    let answer = client.get(format!("http://{address}{path}")).send().await.ok()?;
    String::from_utf8(answer.bytes().await.ok()?.to_vec()).ok()
}

/// How old the newest backup is.
pub(super) fn backups(loaded: &Loaded) -> Finding {
    let table = &loaded.gateway.backup;
    let todo = text("docs/deploy.md 的“备份”一节", "docs/deploy.md, «Backups»");
    let Some(into) = &table.into else {
        return Finding::warn(text("没有自动备份", "no backups are made by themselves"), todo);
    };
    let into = loaded.folder.join(into);
    let now_s = clock::wall().0 / 1_000_000;
    let Some((path, manifest)) =
        backup::list(&into, loaded.decisive.setup.site.id.as_str()).into_iter().next()
    else {
        return Finding::fault(
            text(
                format!("{} 里没有备份", into.display()),
                format!("there is no backup in {}", into.display()),
            ),
            todo,
        );
    };
    let hours = (now_s - manifest.made_at_s) / 3600;
    let found = text(
        format!("最新备份在 {hours} 小时前：{}", path.display()),
        format!("the newest backup is {hours} hours old: {}", path.display()),
    );
    if manifest.delete_by_s <= now_s || hours > 2 * i64::from(table.every_h) {
        return Finding::fault(
            found,
            text("docs/runbook.md，WanglouBackupOld", "docs/runbook.md, WanglouBackupOld"),
        );
    }
    Finding { level: super::Level::Ok, found, todo: text("", "") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn people_without_a_connected_phone_are_seen() {
        let page = |sessions, sockets| {
            format!(
                "# HELP x\nwanglou_sessions {sessions}\nwanglou_sockets {sockets}\nwanglou_sockets_closed_total{{why=\"lost\"}} 9\n"
            )
        };
        let level = |sessions, sockets| reachable(&page(sessions, sockets)).level;
        assert_eq!([level(0, 0), level(3, 0), level(3, 2)], [Level::Fault, Level::Warn, Level::Ok]);
    }

    #[test]
    fn a_concern_is_one_that_is_raised() {
        assert_eq!(concern("wanglou_concern{concern=\"disk\"} 1"), Some("disk"));
        assert_eq!(concern("wanglou_concern{concern=\"disk\"} 0"), None);
    }

    #[test]
    fn push_that_is_off_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut gateway = GatewayFile::default();
        assert_eq!(push(&gateway, folder.path()).level, Level::Warn);
        gateway.push.contact = Some("mailto:a@b.example".into());
        assert_eq!(push(&gateway, folder.path()).level, Level::Warn, "not made yet");
        std::fs::write(folder.path().join(crate::push::KEY_FILE), "no key").expect("written");
        assert_eq!(push(&gateway, folder.path()).level, Level::Fault);
    }
}
