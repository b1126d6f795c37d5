//! Certificates, and when they end: the broker's, its authority's, and that of the phones' address.

use super::{Finding, text};
use crate::clock;
use crate::configuration::Loaded;
use crate::expiry::not_after;
use crate::mqtt::{Address, Tls, certificate};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::path::PathBuf;
use std::time::Duration;
use wanglou_model::Text;

/// One that ends sooner is to be renewed now.
const SOON_DAYS: i64 = 21;
/// For hosts that are slow, or silent.
const WITHIN: Duration = Duration::from_secs(8);
/// Debian's bundle of public authorities.
const PUBLIC: &str = "/etc/ssl/certs/ca-certificates.crt";

pub(super) async fn look(loaded: &Loaded) -> Vec<Finding> {
    let mut found = Vec::new();
    let broker = loaded.gateway.mqtt.broker(&loaded.folder);
    match (&broker.tls, &broker.address) {
        (Some(tls), Address::Tcp { host, port }) => {
            found.push(in_file(&text("证书机构", "the broker's authority"), &tls.ca_file, "mqtt.ca_file"));
            found.push(shown(&text("消息服务器的证书", "the broker's certificate"), host, *port, tls).await);
        }
        (None, Address::Tcp { host, .. }) if !is_loopback(host) => found.push(Finding::warn(
            text(
                format!("到消息服务器 {host} 的连接未加密"),
                format!("the connection to the broker at {host} is not encrypted"),
            ),
            text("设 mqtt.ca_file（deploy/README.md，TLS）", "set mqtt.ca_file (deploy/README.md, TLS)"),
        )),
        (None | Some(_), Address::Tcp { .. } | Address::Unix(_)) => {}
    }
    if let Some((cert, _)) = loaded.gateway.http.tls(&loaded.folder) {
        found.push(in_file(&text("自己的证书", "our own certificate"), &cert, "http.tls_cert"));
    }
    let url = &loaded.gateway.http.public_url;
    if let Some(rest) = url.strip_prefix("https://") {
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().unwrap_or(443)),
            None => (rest, 443),
        };
        let tls = Tls { ca_file: PathBuf::from(PUBLIC), client: None, server_name: None };
        found.push(
            shown(&text(format!("{url} 的证书"), format!("the certificate of {url}")), host, port, &tls)
                .await,
        );
    }
    found
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn in_file(of: &Text, file: &std::path::Path, key: &str) -> Finding {
    match CertificateDer::from_pem_file(file) {
        Ok(certificate) => judge(of, not_after(&certificate), clock::wall().0 / 1_000_000),
        Err(error) => Finding::fault(
            text(
                format!("{}：{} 读不出（{error}）", of.zh, file.display()),
                format!("{}: {} cannot be read: {error}", of.en, file.display()),
            ),
            text(format!("{key} 应为 PEM 证书"), format!("{key} must be a PEM certificate")),
        ),
    }
}

async fn shown(of: &Text, host: &str, port: u16, tls: &Tls) -> Finding {
    match tokio::time::timeout(WITHIN, certificate(host, port, tls)).await {
        Ok(Ok(certificate)) => judge(of, not_after(&certificate), clock::wall().0 / 1_000_000),
        Ok(Err(fault)) => refused(of, &fault.to_string()),
        Err(_) => refused(of, "no answer"),
    }
}

fn refused(of: &Text, why: &str) -> Finding {
    Finding::fault(
        text(format!("{}：{why}", of.zh), format!("{}: {why}", of.en)),
        text(
            "手机和网关都会拒绝它：检查域名、签发机构和有效期",
            "phones or gateway refuse it too: look at name, authority and dates",
        ),
    )
}

fn judge(of: &Text, not_after_s: Option<i64>, now_s: i64) -> Finding {
    let Some(end) = not_after_s else {
        return Finding::warn(
            text(format!("{}：有效期读不出", of.zh), format!("{}: its end cannot be read", of.en)),
            text("openssl x509 -enddate", "openssl x509 -enddate"),
        );
    };
    let days = (end - now_s).div_euclid(86_400);
    let found = text(format!("{}：还有 {days} 天到期", of.zh), format!("{} ends in {days} days", of.en));
    let todo =
        text("现在续期；新文件在下次连接时读取", "renew it now; new files are read at the next connect");
    if days < 0 {
        Finding::fault(found, todo)
    } else if days < SOON_DAYS {
        Finding::warn(found, todo)
    } else {
        Finding { level: super::Level::Ok, found, todo: text("", "") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn it_is_warned_before_the_end_and_a_fault_after_it() {
        let level = |days: i64| judge(&text("", ""), Some(1_000_000 + days * 86_400), 1_000_000).level;
        assert_eq!([level(100), level(20), level(-1)], [Level::Ok, Level::Warn, Level::Fault]);
        assert_eq!(judge(&text("", ""), None, 0).level, Level::Warn);
    }
}
