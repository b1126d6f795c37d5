//! The page that tells a phone how to trust the demo's authority, and the authority's certificate. By plain http, since
//! it is for those who do not trust us yet: it holds no secret, and its fingerprint is compared with the terminal's.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rustls_pki_types::CertificateDer;
use std::sync::Arc;

const PAGE: &str = include_str!("trust.html");
/// What phones take for a certificate to install.
const CERTIFICATE_TYPE: &str = "application/x-x509-ca-cert";

struct Trust {
    app: String,
    certificate: Vec<u8>,
    fingerprint: String,
}

/// The page at `/` and the certificate at `/wanglou-demo.crt`.
pub(super) fn router(app: &str, certificate: &CertificateDer<'_>, fingerprint: &str) -> Router {
    let trust =
        Trust { app: app.to_owned(), certificate: certificate.to_vec(), fingerprint: fingerprint.to_owned() };
    Router::new()
        .route("/", get(page))
        .route("/wanglou-demo.crt", get(authority))
        .fallback(|| async { (StatusCode::NOT_FOUND, "only / is here; the app is at the https address") })
        .with_state(Arc::new(trust))
}

async fn page(State(trust): State<Arc<Trust>>, headers: HeaderMap) -> Response {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let page = write(&trust, agent);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, page).into_response()
}

async fn authority(State(trust): State<Arc<Trust>>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, CERTIFICATE_TYPE),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"wanglou-demo.crt\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, trust.certificate.clone()).into_response()
}

/// The page for this browser: what concerns it is unfolded.
fn write(trust: &Trust, agent: &str) -> String {
    let wechat = agent.contains("MicroMessenger");
    let iphone = ["iPhone", "iPad"].iter().any(|word| agent.contains(word));
    let shown = |yes: bool, word: &'static str| if yes { word } else { "" };
    // In groups, so that a thumb can follow the comparison.
    let groups: Vec<String> =
        trust.fingerprint.split(':').collect::<Vec<_>>().chunks(4).map(|four| four.join(":")).collect();
    PAGE.replace("{{app}}", &trust.app)
        .replace("{{fingerprint}}", &groups.join(" "))
        .replace("{{wechat}}", shown(!wechat, "hidden"))
        .replace("{{iphone}}", shown(iphone, "open"))
        .replace("{{android}}", shown(!iphone, "open"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(agent: &str) -> String {
        let app = "https://192.168.1.5:8443".to_owned();
        let fingerprint = ["AB"; 32].join(":");
        write(&Trust { app, certificate: Vec::new(), fingerprint }, agent)
    }

    #[test]
    fn each_phone_is_shown_its_own_way() {
        let android = page("Mozilla/5.0 (Linux; Android 14) Chrome/140");
        assert!(
            android.contains("<details id=\"android\" open>") && android.contains("<details id=\"iphone\" >")
        );
        let iphone = page("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)");
        assert!(
            iphone.contains("<details id=\"iphone\" open>") && iphone.contains("<details id=\"android\" >")
        );
        assert!(android.contains("id=\"wechat\" hidden>"), "no word about WeChat to others");
        let wechat = page("Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0.50");
        assert!(wechat.contains("id=\"wechat\" >"));
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let page = page("");
        assert!(!page.contains("{{"), "{page}");
        assert!(page.contains("https://192.168.1.5:8443") && page.contains("AB:AB:AB:AB AB:AB:AB:AB"));
    }
}
