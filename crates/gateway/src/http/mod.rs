//! The phone side: HTTP and WebSockets on threads of their own.
//!
//! Nothing here decides about alarms. Commands and receipts go to the writer and are answered after their commit;
//! what phones get comes from the [`Hub`], which the writer fills after each commit.

mod admin;
mod alarms;
mod assets;
mod commands;
mod enrol;
mod evidence;
mod figures;
mod health;
mod local;
mod notes;
mod openapi;
mod origin;
mod pin;
mod plans;
mod push;
mod register;
mod reports;
mod resident;
mod routes;
mod serve;
pub mod session;
mod socket;
mod team;
mod tls;

pub use admin::liveness;
pub use enrol::{ENROL_FRAGMENT, token};
pub use notes::Notes;
pub(crate) use openapi::{OutcomeWord, ReasonShape, Words};
pub use origin::Origin;
pub use pin::Guard;
pub use serve::{ServeError, bind, serve};
pub use session::Locking;
pub use tls::{Certificate, TlsFault};

use crate::backup::Backups;
use crate::evidence::Evidence;
use crate::health::Health;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::plans::Plans;
use crate::push::Push;
use crate::quarantine::Quarantine;
use crate::trend::Trend;
use crate::views::Views;
use crate::writer::{Refused, WriterHandle};
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::watch;
use wanglou_model::Text;

/// The largest body of a request, bytes.
const BODY_BYTES_MAX: usize = 16 << 10;

/// Who asks for a changed configuration, and why: journaled with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// An officer's id, `command line`, or `SIGHUP`.
    pub who: String,
    /// In their words; may be empty.
    pub why: String,
}

/// Reads every file anew and applies it, or says all that is wrong with it.
pub type Reload =
    Arc<dyn Fn(Asked) -> futures_util::future::BoxFuture<'static, Result<String, Vec<String>>> + Send + Sync>;

/// What the phone side works with.
#[derive(Clone)]
pub struct PhoneSide {
    /// The way to the writer.
    pub writer: WriterHandle,
    /// What phones are owed.
    pub hub: Hub,
    /// The address that phones know us by.
    pub origin: Arc<Origin>,
    /// What nobody understood.
    pub quarantine: Arc<Quarantine>,
    /// The history.
    pub views: Views,
    /// Pictures and clips.
    pub evidence: Arc<Evidence>,
    /// Push messages, where they are configured.
    pub push: Option<Arc<Push>>,
    /// Backups.
    pub backups: Backups,
    /// Who may send notes from outside, and the cards at doors.
    pub notes: Arc<Notes>,
    /// The health page.
    pub health: Arc<Health>,
    /// The metrics.
    pub metrics: Metrics,
    /// The figures of the last hour and day.
    pub trend: Trend,
    /// `/metrics` answers here too.
    pub serve_metrics: bool,
    /// How many sockets at once, and of one officer.
    pub sockets_max: (usize, usize),
    /// The secret of the machine's own command line, from a file that only its owner reads.
    pub local_secret: Arc<str>,
    /// Tickets for sockets, and the slow-down of guesses.
    pub door: Arc<session::Door>,
    /// The compound's plans.
    pub plans: Arc<Plans>,
    /// What was tried of PINs, and who gave theirs lately.
    pub guard: Arc<Guard>,
    /// When the app asks for the PIN.
    pub locking: Locking,
    /// Applies a changed configuration.
    pub reload: Reload,
    /// True once the gateway is to stop.
    pub stopping: watch::Receiver<bool>,
}

/// An error as the API tells it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    #[serde(skip)]
    status: StatusCode,
    /// For programs.
    code: &'static str,
    #[schemars(with = "Words")]
    text: Text,
    /// When to come again, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_s: Option<u32>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, zh: &str, en: &str) -> Self {
        Self { status, code, text: Text { zh: zh.to_owned(), en: en.to_owned() }, retry_s: None }
    }

    pub(crate) fn auth() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "auth", "请先登录", "log in first")
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "无权限", "you may not do that")
    }

    pub(crate) fn slow_down(retry_s: u32) -> Self {
        let problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "slow_down",
            "尝试过多，请稍后再试",
            "too many tries; wait a little",
        );
        Self { retry_s: Some(retry_s), ..problem }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Busy => Problem {
                retry_s: Some(1),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "系统繁忙，请重试", "busy; try again")
            },
            Refused::Stopped => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "stopping",
                "系统正在重启",
                "the gateway is restarting",
            ),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, axum::Json(self)).into_response()
    }
}

/// The routes.
pub fn router(side: PhoneSide) -> Router {
    let (router, _) = routes::api(side.serve_metrics).parts();
    let headers = middleware::from_fn_with_state(Arc::clone(&side.origin), secure_headers);
    router
        .fallback(assets::serve)
        .layer(headers)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(side)
}

/// Headers that every answer carries.
async fn secure_headers(
    State(origin): State<Arc<Origin>>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = "default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; frame-ancestors 'none'; \
                  base-uri 'none'; form-action 'self'; object-src 'none'";
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("permissions-policy"), "camera=(self), geolocation=(self), microphone=()"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(strict) = origin.strict_transport() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(strict));
    }
    // A stricter one stays.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
