//! From an enrolment link to a session: made on the machine itself, used once, by one phone.

use super::session::{self, Caller, hash_secret, secret};
use super::{PhoneSide, Problem};
use crate::access::{AccessEvent, INVITATION_LASTS, SESSION_LASTS, TokenHash};
use crate::clock;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use wanglou_model::{OfficerId, PhoneId, Span};

/// What an enrolment link has behind its `#`: the token stays in the fragment, which no server and no proxy sees.
pub const ENROL_FRAGMENT: &str = "enrol=";

/// Letters that are not mistaken for others when typed: no I, L, O, U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a token: 100 bits.
const TOKEN_LETTERS: usize = 20;
/// The longest name of a phone, characters.
const NAME_CHARS_MAX: usize = 40;

/// A new token, in groups of four that can be typed.
///
/// # Errors
/// When the system gives no random numbers.
pub fn token() -> Result<String, Problem> {
    let mut bytes = [0u8; TOKEN_LETTERS];
    getrandom::fill(&mut bytes).map_err(|_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "random",
            "系统随机数不可用",
            "the system gives no random numbers",
        )
    })?;
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    Ok(letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Invite {
    officer: String,
    #[serde(default)]
    minutes: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Invited {
    token: String,
    link: String,
    expires_s: i64,
}

/// Makes a link; only for the machine's own command line.
pub(super) async fn invite(
    State(side): State<PhoneSide>,
    headers: HeaderMap,
    Json(invite): Json<Invite>,
) -> Result<Response, Problem> {
    session::local(&side, &headers)?;
    let unknown = || {
        let (zh, en) =
            (format!("没有人员 {}", invite.officer), format!("there is no officer {}", invite.officer));
        Problem::new(StatusCode::NOT_FOUND, "unknown_officer", &zh, &en)
    };
    let officer = OfficerId::parse(&invite.officer).map_err(|_| unknown())?;
    let id = officer.clone();
    if !side.writer.read(move |engine| engine.setup().site.officers.contains_key(&id)).await? {
        return Err(unknown());
    }
    let lasts = invite
        .minutes
        .map_or(INVITATION_LASTS, |minutes| Span::mins(i64::from(minutes).clamp(1, 7 * 24 * 60)));
    let token = token()?;
    let event = AccessEvent::Invited {
        token: TokenHash::of(&token),
        officer,
        expires_at: clock::wall() + lasts,
        by: "command line".into(),
    };
    side.writer.admit(event).await?;
    let link = format!("{}/#{ENROL_FRAGMENT}{token}", side.origin.url());
    Ok(Json(Invited { token, link, expires_s: lasts.0 / 1_000_000 }).into_response())
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct Redeem {
    token: String,
    #[serde(default)]
    name: String,
}

/// Uses a link.
pub(super) async fn redeem(
    State(side): State<PhoneSide>,
    headers: HeaderMap,
    Json(redeem): Json<Redeem>,
) -> Result<Response, Problem> {
    if !side.origin.allows(&headers) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "origin",
            "来源不符",
            "this request comes from another page",
        ));
    }
    let now = Instant::now();
    if let Some(retry_s) = side.door.wait(now) {
        return Err(Problem::slow_down(retry_s));
    }
    let token = TokenHash::of(&redeem.token);
    let (found, used) = {
        let access = side.writer.access();
        (access.invitations.get(&token).cloned(), access.used.contains_key(&token))
    };
    let Some(invitation) = found else {
        if used {
            let (zh, en) = ("此绑定码已用过，请索取新的", "this code was used already; ask for a new one");
            return Err(Problem::new(StatusCode::FORBIDDEN, "token_used", zh, en));
        }
        side.door.guessed(now);
        let (zh, en) = ("绑定码无效，请核对", "this code is not known; check it");
        return Err(Problem::new(StatusCode::FORBIDDEN, "token_unknown", zh, en));
    };
    let wall = clock::wall();
    if invitation.expires_at <= wall {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "token_expired",
            "绑定码已过期",
            "this code has expired",
        ));
    }
    let (cookie, phone) = (secret()?, new_phone()?);
    let name: String = redeem.name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    let session = hash_secret(&cookie);
    let event = AccessEvent::Enrolled {
        token: token.clone(),
        session: session.clone(),
        officer: invitation.officer,
        phone,
        name,
        expires_at: wall + SESSION_LASTS,
    };
    side.writer.admit(event).await?;
    // Two phones with one link: the journal's order says which was first, the other finds no session.
    let caller = Caller::of(&side, session).await?;
    let body = session::describe(&side, &caller).await?;
    let cookie = side.origin.set_cookie(&cookie, SESSION_LASTS.0 / 1_000_000);
    Ok(([(header::SET_COOKIE, cookie)], Json(body)).into_response())
}

fn new_phone() -> Result<PhoneId, Problem> {
    let id = format!("d_{}", &secret()?[..12]);
    PhoneId::parse(&id).map_err(|_| Problem::auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_can_be_typed_and_no_two_are_the_same() {
        let (a, b) = (token().expect("random"), token().expect("random"));
        assert_ne!(a, b);
        assert_eq!(a.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4, 4, 4]);
        assert!(a.bytes().all(|byte| byte == b'-' || LETTERS.contains(&byte)));
    }
}
