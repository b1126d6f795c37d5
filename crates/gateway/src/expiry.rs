//! When certificates end: read from them, and told by a metric, so that somebody renews them in time. Our own for https, as it
//! is shown now; the broker's, asked for once an hour; the broker's authority, as the file says. A certificate of a proxy in
//! front of us is seen by `wanglou doctor` alone, which asks at the public address.

use crate::http::Certificate;
use crate::metrics::Metrics;
use crate::mqtt::{Address, BrokerOptions, certificate};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Files are looked at so often.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The broker is asked so often, by a connection that says nothing.
const ASK_EVERY: Duration = Duration::from_secs(3600);
/// It must answer within this time.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// Tells when they end until the gateway stops. One that is not there, or cannot be read, is not told of.
pub(crate) async fn follow(
    https: Option<Arc<Certificate>>,
    broker: BrokerOptions,
    metrics: Metrics,
    mut stopping: watch::Receiver<bool>,
) {
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ask_at = Instant::now();
    loop {
        tokio::select! {
            _ = look.tick() => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        tell(&metrics, "https", https.as_ref().and_then(|shown| earliest(&shown.chain())));
        let Some(tls) = &broker.tls else { continue };
        let file = tls.ca_file.clone();
        let authority = tokio::task::spawn_blocking(move || earliest_in(&file));
        tell(&metrics, "broker_authority", authority.await.ok().flatten());
        if let Address::Tcp { host, port } = &broker.address
            && Instant::now() >= ask_at
            && let Ok(Ok(shown)) = timeout(ANSWER_WITHIN, certificate(host, *port, tls)).await
        {
            // One that does not answer is asked again with the next look; what it showed last stands.
            ask_at = Instant::now() + ASK_EVERY;
            tell(&metrics, "broker", not_after(&shown));
        }
    }
}

fn tell(metrics: &Metrics, certificate: &str, end_s: Option<i64>) {
    match end_s {
        Some(end_s) => metrics.certificate_end.with_label_values(&[certificate]).set(end_s),
        // It is not there any more, or never was: fails only for what was never told of.
        None => drop(metrics.certificate_end.remove_label_values(&[certificate])),
    }
}

/// The earliest end of all certificates of a file in PEM, seconds since 1970.
fn earliest_in(file: &Path) -> Option<i64> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(file).ok()?.flatten().collect();
    earliest(&chain)
}

/// A chain holds for as long as its first link to break.
fn earliest(chain: &[CertificateDer<'static>]) -> Option<i64> {
    chain.iter().filter_map(|certificate| not_after(certificate)).min()
}

/// `notAfter` of a certificate, seconds since 1970: RFC 5280, section 4.1.
///
/// ```text
///  Certificate { tbs { [0] version?, serial, algorithm, issuer, validity { notBefore, notAfter }, … }, … }
/// ```
pub(crate) fn not_after(der: &[u8]) -> Option<i64> {
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
            "/CN=expiry",
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
        let now = crate::clock::wall().0 / 1_000_000;
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
    fn a_chain_ends_with_its_first_link_and_what_is_gone_is_not_told_of() {
        let chain = [10, 100].map(|days: i32| CertificateDer::from(made(&days.to_string())));
        assert_eq!(earliest(&chain), not_after(&chain[0]));
        assert_eq!(earliest(&[]), None);
        let metrics = Metrics::default();
        let told = || {
            let page = String::from_utf8(metrics.page()).expect("text");
            page.contains("wanglou_certificate_end_time_seconds{certificate=\"https\"} 17")
        };
        tell(&metrics, "https", Some(17));
        assert!(told());
        tell(&metrics, "https", None);
        tell(&metrics, "https", None);
        assert!(!told());
    }
}
