//! Certificates, and when they end: the broker's, its authority's, and that of the phones' address.

use super::{Finding, text};
use crate::clock;
use crate::configuration::Loaded;
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

/// `notAfter` of a certificate, seconds since 1970: RFC 5280, section 4.1.
///
/// ```text
///  Certificate { tbs { [0] version?, serial, algorithm, issuer, validity { notBefore, notAfter }, … }, … }
/// ```
fn not_after(der: &[u8]) -> Option<i64> {
    let (_, certificate, _) = element(der)?;
    let (_, mut rest, _) = element(certificate)?;
    if rest.first() == Some(&0xa0) {
        rest = element(rest)?.2;
    }
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, validity, _) = element(rest)?;
    let (_, _, after) = element(validity)?;
    let (tag, time, _) = element(after)?;
    let digits = std::str::from_utf8(time).ok()?.strip_suffix('Z')?;
    // UTCTime has two digits of the year: 50 to 99 are of the last century.
    let full = match (tag, digits.len()) {
        (0x17, 12) => format!("{}{digits}", if digits < "50" { "20" } else { "19" }),
        (0x18, 14) => digits.to_owned(),
        _ => return None,
    };
    let parsed = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", &full).ok()?;
    Some(parsed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Tag, content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short @ 0..=0x7f => (usize::from(*short), rest),
        long @ 0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    /// A certificate for so many days, made by openssl.
    fn made(days: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = std::process::Command::new("openssl");
        command.current_dir(folder.path()).args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ]);
        command.args([
            "-nodes",
            "-days",
            days,
            "-subj",
            "/CN=doctor",
            "-keyout",
            "k",
            "-out",
            "c",
            "-outform",
            "DER",
        ]);
        let output = command.output().expect("apt install openssl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(folder.path().join("c")).expect("a certificate")
    }

    #[test]
    fn the_end_of_a_certificate_is_read_before_and_after_2050() {
        let now = clock::wall().0 / 1_000_000;
        for days in [10, 100, 20_000] {
            let end = not_after(&made(&days.to_string())).expect("readable");
            assert!((end - now - days * 86_400).abs() < 120, "{days}: {end}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_not_read() {
        let good = made("10");
        assert_eq!(not_after(b""), None);
        assert_eq!(not_after(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        for cut in 0..good.len().min(300) {
            let _ = not_after(&good[..cut]);
        }
    }

    #[test]
    fn it_is_warned_before_the_end_and_a_fault_after_it() {
        let level = |days: i64| judge(&text("", ""), Some(1_000_000 + days * 86_400), 1_000_000).level;
        assert_eq!([level(100), level(20), level(-1)], [Level::Ok, Level::Warn, Level::Fault]);
        assert_eq!(judge(&text("", ""), None, 0).level, Level::Warn);
    }
}
