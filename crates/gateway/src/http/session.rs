//! Who is asking: the session behind a cookie or a ticket, checked at every request and every socket message.

use super::openapi::{RoleWord, Words};
use super::{PhoneSide, Problem};
use crate::access::{AccessEvent, Session, TokenHash};
use crate::clock;
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use wanglou_model::{Input, Officer, OfficerId, PhoneId, PushNews, rfc3339_micros};

/// A ticket opens one socket within this time.
const TICKET_LASTS: Duration = Duration::from_secs(30);
/// Tickets that are out at once; the oldest goes first.
const TICKETS_MAX: usize = 4_096;
/// Between two trial pushes of one phone.
const TRIAL_EVERY: Duration = Duration::from_secs(10);
/// Trial pushes of all phones within that time.
const TRIALS_MAX: usize = 100;
/// Pictures are counted over this time: of one phone, and of all.
const PHOTOS_WITHIN: Duration = Duration::from_secs(600);
const PHOTOS_PER_PHONE_MAX: usize = 30;
const PHOTOS_MAX: usize = 600;
/// Wrong enrolment tokens within a minute, over all phones, before everybody has to wait.
const GUESSES_PER_MINUTE: usize = 20;

/// Tickets for sockets, and the slow-down of guesses. In memory: both are short-lived.
#[derive(Debug, Default)]
pub struct Door {
    tickets: Mutex<BTreeMap<TokenHash, (Instant, TokenHash)>>,
    guesses: Mutex<Vec<Instant>>,
    /// When each phone last asked for a trial of its push; phones that may ask again are forgotten.
    trials: Mutex<BTreeMap<PhoneId, Instant>>,
    /// When each phone handed pictures in lately.
    photos: Mutex<BTreeMap<PhoneId, Vec<Instant>>>,
}

impl Door {
    fn issue(&self, now: Instant, ticket: TokenHash, session: TokenHash) {
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|_, (until, _)| *until > now);
        if tickets.len() >= TICKETS_MAX {
            let oldest =
                tickets.iter().min_by_key(|(_, (until, _))| *until).map(|(ticket, _)| ticket.clone());
            if let Some(oldest) = oldest {
                tickets.remove(&oldest);
            }
        }
        tickets.insert(ticket, (now + TICKET_LASTS, session));
    }

    /// The session of a ticket; the ticket is gone afterwards.
    pub(crate) fn redeem(&self, now: Instant, ticket: &str) -> Option<TokenHash> {
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, session) = tickets.remove(&hash_secret(ticket))?;
        (until > now).then_some(session)
    }

    /// How long a guesser must wait, if there were too many wrong tokens lately.
    pub(crate) fn wait(&self, now: Instant) -> Option<u32> {
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        guesses.retain(|at| now.duration_since(*at) < Duration::from_secs(60));
        (guesses.len() >= GUESSES_PER_MINUTE).then_some(60)
    }

    /// Whether a phone may have a trial push now; if so, the next one has to wait.
    pub(crate) fn try_trial(&self, now: Instant, phone: &PhoneId) -> bool {
        let mut trials = self.trials.lock().unwrap_or_else(PoisonError::into_inner);
        trials.retain(|_, at| now.duration_since(*at) < TRIAL_EVERY);
        let may = trials.len() < TRIALS_MAX && !trials.contains_key(phone);
        if may {
            trials.insert(phone.clone(), now);
        }
        may
    }

    /// Whether a phone may hand a picture in now.
    pub(crate) fn try_photo(&self, now: Instant, phone: &PhoneId) -> bool {
        let mut photos = self.photos.lock().unwrap_or_else(PoisonError::into_inner);
        photos.retain(|_, times| {
            times.retain(|at| now.duration_since(*at) < PHOTOS_WITHIN);
            !times.is_empty()
        });
        let all: usize = photos.values().map(Vec::len).sum();
        let mine = photos.entry(phone.clone()).or_default();
        let may = mine.len() < PHOTOS_PER_PHONE_MAX && all < PHOTOS_MAX;
        if may {
            mine.push(now);
        }
        may
    }

    /// A wrong token was tried.
    pub(crate) fn guessed(&self, now: Instant) {
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner).push(now);
    }
}

/// A new secret of 256 bits, as text that fits a cookie and a subprotocol.
pub(crate) fn secret() -> Result<String, Problem> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "random",
            "系统随机数不可用",
            "the system gives no random numbers",
        )
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The hash under which a secret is kept. Unlike an enrolment token it is taken letter by letter.
pub(crate) fn hash_secret(secret: &str) -> TokenHash {
    TokenHash(blake3::hash(secret.as_bytes()).to_hex().to_string())
}

/// A request that comes with a valid session.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The session's token, as it is kept.
    pub(crate) token: TokenHash,
    /// The session.
    pub(crate) session: Session,
    /// What the registry says of the officer.
    pub(crate) officer: Officer,
}

impl Caller {
    /// Whose session.
    pub(crate) fn id(&self) -> &OfficerId {
        &self.session.officer
    }

    /// The phone.
    pub(crate) fn phone(&self) -> &PhoneId {
        &self.session.phone
    }

    /// The caller behind a session's token, if it is valid now and its officer still known.
    pub(crate) async fn of(side: &PhoneSide, token: TokenHash) -> Result<Self, Problem> {
        let session = side.session(&token).ok_or_else(Problem::auth)?;
        let id = session.officer.clone();
        let known = side.writer.read(move |engine| engine.setup().site.officers.get(&id).cloned()).await?;
        let officer = known.ok_or_else(Problem::auth)?;
        Ok(Self { token, session, officer })
    }

    /// Only for the admin page.
    pub(crate) fn admin(&self) -> Result<(), Problem> {
        if self.officer.admin { Ok(()) } else { Err(Problem::forbidden()) }
    }
}

impl PhoneSide {
    /// The session of a token, if it is valid now.
    pub(crate) fn session(&self, token: &TokenHash) -> Option<Session> {
        let wall = clock::wall();
        self.writer.access().session(token, wall).cloned()
    }
}

impl FromRequestParts<PhoneSide> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, side: &PhoneSide) -> Result<Self, Problem> {
        let safe = matches!(parts.method, Method::GET | Method::HEAD);
        if !safe && !side.origin.allows(&parts.headers) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "origin",
                "来源不符",
                "this request comes from another page",
            ));
        }
        let token = side.origin.cookie(&parts.headers).ok_or_else(Problem::auth)?;
        Caller::of(side, hash_secret(token)).await
    }
}

/// When the app asks for the PIN of whoever has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locking {
    /// After the app was away for so long; zero for never.
    pub after: Duration,
    /// Everybody must have one.
    pub required: bool,
}

#[derive(Serialize, JsonSchema)]
struct ShownPin {
    set: bool,
    required: bool,
    lock_after_s: u64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub(super) struct Shown {
    officer: ShownOfficer,
    /// The phone.
    dev: String,
    site: ShownSite,
    pin: ShownPin,
    version: &'static str,
    now: String,
}

#[derive(Serialize, JsonSchema)]
struct ShownOfficer {
    id: String,
    name: String,
    #[schemars(with = "Vec<RoleWord>")]
    roles: Vec<&'static str>,
    admin: bool,
}

#[derive(Serialize, JsonSchema)]
struct ShownSite {
    id: String,
    #[schemars(with = "Words")]
    name: wanglou_model::Text,
}

/// Who is logged in on this phone.
pub(crate) async fn show(State(side): State<PhoneSide>, caller: Caller) -> Result<Response, Problem> {
    Ok(Json(describe(&side, &caller).await?).into_response())
}

pub(super) async fn describe(side: &PhoneSide, caller: &Caller) -> Result<impl Serialize + use<>, Problem> {
    let site = side.writer.read(|engine| ShownSite {
        id: engine.setup().site.id.to_string(),
        name: engine.setup().site.name.clone(),
    });
    let person = crate::view::person(&side.hub.people(), caller.id());
    let officer = ShownOfficer {
        id: person.id,
        name: person.name,
        roles: caller.officer.roles.iter().map(|role| role.name()).collect(),
        admin: caller.officer.admin,
    };
    let now = rfc3339_micros::format(clock::wall());
    let pin = ShownPin {
        set: side.pin_of(caller.id()).is_some(),
        required: side.locking.required,
        lock_after_s: side.locking.after.as_secs(),
    };
    Ok(Shown {
        pin,
        officer,
        dev: caller.phone().to_string(),
        site: site.await?,
        version: env!("CARGO_PKG_VERSION"),
        now,
    })
}

/// Ends this phone's session.
pub(crate) async fn logout(State(side): State<PhoneSide>, caller: Caller) -> Result<Response, Problem> {
    end(&side, &caller.token, &caller.session, "logout", caller.id().as_str()).await?;
    let cookie = side.origin.set_cookie("", 0);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

pub(super) async fn end(
    side: &PhoneSide,
    token: &TokenHash,
    session: &Session,
    why: &str,
    by: &str,
) -> Result<(), Problem> {
    let event = AccessEvent::Revoked { session: token.clone(), why: why.to_owned(), by: by.to_owned() };
    side.writer.admit(event).await?;
    if session.push.is_some() {
        let news = PushNews { officer: session.officer.clone(), phone: session.phone.clone(), on: false };
        side.writer.submit(Input::Push(news)).await?;
    }
    side.hub.revoke(&session.officer, &session.phone);
    Ok(())
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Ticket {
    ticket: String,
    expires_s: u64,
}

/// A ticket that opens one socket, for wrappers that cannot send a cookie with it.
pub(crate) async fn ticket(State(side): State<PhoneSide>, caller: Caller) -> Result<Response, Problem> {
    let ticket = secret()?;
    side.door.issue(Instant::now(), hash_secret(&ticket), caller.token.clone());
    Ok(Json(Ticket { ticket, expires_s: TICKET_LASTS.as_secs() }).into_response())
}

/// The machine's own command line: whoever can read the secret's file.
pub(super) fn local(side: &PhoneSide, headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get("x-wanglou-local").and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Compared by hash, so that the time it takes says nothing about the secret.
    if hash_secret(given) == hash_secret(&side.local_secret) { Ok(()) } else { Err(Problem::auth()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_ticket_opens_one_socket_within_thirty_seconds() {
        let (door, now) = (Door::default(), Instant::now());
        door.issue(now, hash_secret("a"), TokenHash("s".into()));
        door.issue(now, hash_secret("b"), TokenHash("s".into()));
        assert_eq!(door.redeem(now, "a"), Some(TokenHash("s".into())));
        assert_eq!(door.redeem(now, "a"), None, "used");
        assert_eq!(door.redeem(now + TICKET_LASTS, "b"), None, "too late");
    }

    #[tokio::test(start_paused = true)]
    async fn a_phone_tries_its_push_once_in_ten_seconds() {
        let (door, now) = (Door::default(), Instant::now());
        let phone = |n: usize| PhoneId::parse(&format!("d{n}")).expect("an id");
        assert!(door.try_trial(now, &phone(0)) && !door.try_trial(now, &phone(0)));
        assert!(door.try_trial(now + TRIAL_EVERY, &phone(0)));
        for n in 1..TRIALS_MAX {
            assert!(door.try_trial(now + TRIAL_EVERY, &phone(n)));
        }
        assert!(!door.try_trial(now + TRIAL_EVERY, &phone(TRIALS_MAX)), "too many at once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_phone_hands_in_thirty_pictures_in_ten_minutes() {
        let (door, now) = (Door::default(), Instant::now());
        let phone = |n: usize| PhoneId::parse(&format!("d{n}")).expect("an id");
        assert!((0..PHOTOS_PER_PHONE_MAX).all(|_| door.try_photo(now, &phone(0))));
        assert!(!door.try_photo(now, &phone(0)));
        assert!(door.try_photo(now, &phone(1)), "another one");
        assert!(door.try_photo(now + PHOTOS_WITHIN, &phone(0)), "later");
        for n in 2..=PHOTOS_MAX {
            door.try_photo(now + PHOTOS_WITHIN, &phone(n));
        }
        assert!(!door.try_photo(now + PHOTOS_WITHIN, &phone(9_999)), "too many of all");
    }

    #[tokio::test(start_paused = true)]
    async fn guessing_is_slowed_down() {
        let (door, now) = (Door::default(), Instant::now());
        for _ in 0..GUESSES_PER_MINUTE {
            assert_eq!(door.wait(now), None);
            door.guessed(now);
        }
        assert_eq!(door.wait(now), Some(60));
        assert_eq!(door.wait(now + Duration::from_secs(61)), None);
    }
}
