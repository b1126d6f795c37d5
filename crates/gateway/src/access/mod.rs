//! Who may come in: invitations (enrolment links) and sessions. Only hashes of tokens are kept, never tokens.
//! Journaled like everything else: what was granted or revoked is so after any crash.

mod pin;

pub use pin::{Pin, PinFault};

use crate::push::Subscription;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wanglou_model::{AlarmId, OfficerId, PhoneId, PlaceId, Span, Timestamp};

/// Invitations that exist at once; the oldest goes first.
pub const INVITATIONS_MAX: usize = 2_000;
/// Sessions of one officer at once; the one unused for longest goes first.
pub const SESSIONS_PER_OFFICER_MAX: usize = 16;
/// An enrolment link can be used for so long.
pub const INVITATION_LASTS: Span = Span::hours(24);
/// A session lasts so long after it was opened.
pub const SESSION_LASTS: Span = Span::hours(24 * 90);

/// BLAKE3 of a token, in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenHash(pub String);

impl TokenHash {
    /// Of a token as it was given out, spaces and hyphens left out, letters in any case.
    pub fn of(token: &str) -> Self {
        let bare: String = token.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        Self(blake3::hash(bare.to_ascii_uppercase().as_bytes()).to_hex().to_string())
    }
}

/// News of log-ins and sessions. Journaled; fields are added, never renamed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "access", rename_all = "snake_case")]
pub enum AccessEvent {
    /// An enrolment link was made.
    Invited {
        /// Its token.
        token: TokenHash,
        /// For whom.
        officer: OfficerId,
        /// Until when.
        expires_at: Timestamp,
        /// Who made it.
        by: String,
    },
    /// A phone used it.
    Enrolled {
        /// The invitation's token; gone with this.
        token: TokenHash,
        /// The session that was opened.
        session: TokenHash,
        /// Whose.
        officer: OfficerId,
        /// The phone.
        phone: PhoneId,
        /// What its owner calls it.
        name: String,
        /// Until when.
        expires_at: Timestamp,
    },
    /// A phone can be pushed to.
    Subscribed {
        /// Its session.
        session: TokenHash,
        /// Where to, and its keys.
        push: Subscription,
    },
    /// A phone cannot be pushed to any more.
    Unsubscribed {
        /// Its session.
        session: TokenHash,
        /// Why: `gone`, `asked for`.
        why: String,
    },
    /// An officer chose a PIN, or another one.
    PinSet {
        /// Whose.
        officer: OfficerId,
        /// Its hash.
        pin: Pin,
    },
    /// Too many wrong PINs in a row: nobody unlocks with it any more.
    PinLocked {
        /// Whose.
        officer: OfficerId,
        /// The phone at which they were tried.
        phone: PhoneId,
    },
    /// A PIN was taken away; its officer chooses another one.
    PinCleared {
        /// Whose.
        officer: OfficerId,
        /// Who did.
        by: OfficerId,
    },
    /// Somebody looked at who lives in a home and whom to call. Changes nothing: it is there to be asked for.
    HomeRead {
        /// Who.
        officer: OfficerId,
        /// On which phone.
        phone: PhoneId,
        /// Whose home.
        place: PlaceId,
        /// Because of which alarm.
        alarm: AlarmId,
    },
    /// Somebody looked at who that lives alone is away. Changes nothing: it is there to be asked for.
    AbsencesRead {
        /// Who.
        officer: OfficerId,
        /// On which phone.
        phone: PhoneId,
        /// How many homes they were shown.
        homes: u64,
    },
    /// A session ended.
    Revoked {
        /// Which one.
        session: TokenHash,
        /// Why: `logout`, `revoked`.
        why: String,
        /// Who ended it.
        by: String,
    },
}

/// An enrolment link that was not used yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// For whom.
    pub officer: OfficerId,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A phone that is logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub officer: OfficerId,
    /// The phone.
    pub phone: PhoneId,
    /// What its owner calls it.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// How it is pushed to, if it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<Subscription>,
}

/// Everything that is valid. Changed by applying events only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Access {
    /// By token.
    pub invitations: BTreeMap<TokenHash, Invitation>,
    /// By token.
    pub sessions: BTreeMap<TokenHash, Session>,
    /// Invitations that were used, and when: so that whoever tries one again is told so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub used: BTreeMap<TokenHash, Timestamp>,
    /// PINs of officers who have one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pins: BTreeMap<OfficerId, Pin>,
}

impl Access {
    /// Applies one event.
    pub fn apply(&mut self, at: Timestamp, event: &AccessEvent) {
        match event {
            AccessEvent::Invited { token, officer, expires_at, .. } => {
                self.invitations.retain(|_, invitation| invitation.expires_at > at);
                if self.invitations.len() >= INVITATIONS_MAX {
                    let oldest = self.invitations.iter().min_by_key(|(_, invitation)| invitation.expires_at);
                    if let Some(token) = oldest.map(|(token, _)| token.clone()) {
                        self.invitations.remove(&token);
                    }
                }
                let invitation = Invitation { officer: officer.clone(), expires_at: *expires_at };
                self.invitations.insert(token.clone(), invitation);
            }
            AccessEvent::Enrolled { token, session, officer, phone, name, expires_at } => {
                // Of two phones with one link the first has it.
                if self.invitations.remove(token).is_none() {
                    return;
                }
                self.remember_used(at, token);
                self.sessions.retain(|_, session| session.expires_at > at);
                self.make_room(officer);
                let (officer, phone, name) = (officer.clone(), phone.clone(), name.clone());
                self.sessions.insert(
                    session.clone(),
                    Session { officer, phone, name, since: at, expires_at: *expires_at, push: None },
                );
            }
            AccessEvent::Subscribed { session, push } => {
                // A browser that was bound anew is pushed to once, for whoever has it now.
                for other in self.sessions.values_mut() {
                    other.push.take_if(|before| before.endpoint == push.endpoint);
                }
                if let Some(session) = self.sessions.get_mut(session) {
                    session.push = Some(push.clone());
                }
            }
            AccessEvent::Unsubscribed { session, .. } => {
                if let Some(session) = self.sessions.get_mut(session) {
                    session.push = None;
                }
            }
            AccessEvent::PinSet { officer, pin } => {
                self.pins.insert(officer.clone(), pin.clone());
            }
            AccessEvent::PinLocked { officer, .. } => {
                if let Some(pin) = self.pins.get_mut(officer) {
                    pin.locked = true;
                }
            }
            AccessEvent::PinCleared { officer, .. } => {
                self.pins.remove(officer);
            }
            AccessEvent::HomeRead { .. } | AccessEvent::AbsencesRead { .. } => {}
            AccessEvent::Revoked { session, .. } => {
                self.sessions.remove(session);
            }
        }
    }

    fn remember_used(&mut self, at: Timestamp, token: &TokenHash) {
        if self.used.len() >= INVITATIONS_MAX {
            let oldest = self.used.iter().min_by_key(|(_, used)| **used).map(|(token, _)| token.clone());
            if let Some(token) = oldest {
                self.used.remove(&token);
            }
        }
        self.used.insert(token.clone(), at);
    }

    fn make_room(&mut self, officer: &OfficerId) {
        let mine: Vec<_> = self.sessions.iter().filter(|(_, session)| session.officer == *officer).collect();
        if mine.len() < SESSIONS_PER_OFFICER_MAX {
            return;
        }
        let oldest =
            mine.into_iter().min_by_key(|(_, session)| session.since).map(|(token, _)| token.clone());
        if let Some(token) = oldest {
            self.sessions.remove(&token);
        }
    }

    /// The session of a token, if it is valid now.
    pub fn session(&self, token: &TokenHash, at: Timestamp) -> Option<&Session> {
        self.sessions.get(token).filter(|session| session.expires_at > at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enrolled(n: usize) -> AccessEvent {
        AccessEvent::Enrolled {
            token: TokenHash::of("t"),
            session: TokenHash::of(&format!("s{n}")),
            officer: OfficerId::parse("wu").expect("an id"),
            phone: PhoneId::parse(&format!("d{n}")).expect("an id"),
            name: String::new(),
            expires_at: Timestamp(1_000_000),
        }
    }

    #[test]
    fn a_token_may_be_typed_with_spaces_and_in_small_letters() {
        assert_eq!(TokenHash::of("ABCD-EFGH"), TokenHash::of("abcd efgh"));
        assert_ne!(TokenHash::of("ABCD-EFGH"), TokenHash::of("ABCD-EFGI"));
    }

    #[test]
    fn a_link_serves_one_phone() {
        let mut access = Access::default();
        let (officer, expires_at) = (OfficerId::parse("wu").expect("an id"), Timestamp(1_000_000));
        let token = TokenHash::of("t");
        access.apply(Timestamp(0), &AccessEvent::Invited { token, officer, expires_at, by: String::new() });
        access.apply(Timestamp(1), &enrolled(1));
        access.apply(Timestamp(2), &enrolled(2));
        assert_eq!(access.sessions.keys().collect::<Vec<_>>(), [&TokenHash::of("s1")]);
        assert_eq!(access.used.keys().collect::<Vec<_>>(), [&TokenHash::of("t")], "and is known as used");
    }

    #[test]
    fn one_browser_is_pushed_to_for_one_session() {
        let mut access = Access::default();
        let push = |endpoint: &str| Subscription {
            endpoint: endpoint.into(),
            p256dh: String::new(),
            auth: String::new(),
        };
        for n in 1..=2 {
            let (officer, expires_at) = (OfficerId::parse("wu").expect("an id"), Timestamp(1_000_000));
            let token = TokenHash::of("t");
            access
                .apply(Timestamp(0), &AccessEvent::Invited { token, officer, expires_at, by: String::new() });
            access.apply(Timestamp(1), &enrolled(n));
            let session = TokenHash::of(&format!("s{n}"));
            access.apply(Timestamp(2), &AccessEvent::Subscribed { session, push: push("https://p/1") });
        }
        let pushed = |access: &Access, n: usize| {
            access.sessions[&TokenHash::of(&format!("s{n}"))].push.clone().map(|push| push.endpoint)
        };
        assert_eq!((pushed(&access, 1), pushed(&access, 2)), (None, Some("https://p/1".to_owned())));
        let gone = AccessEvent::Unsubscribed { session: TokenHash::of("s2"), why: "gone".into() };
        access.apply(Timestamp(3), &gone);
        assert_eq!(pushed(&access, 2), None);
        // News of a session that has ended meanwhile change nothing.
        access
            .apply(Timestamp(4), &AccessEvent::Subscribed { session: TokenHash::of("s9"), push: push("x") });
        assert_eq!(access.sessions.len(), 2);
    }

    #[test]
    fn the_oldest_used_link_is_forgotten_at_the_limit() {
        let mut access = Access::default();
        for n in 0..=INVITATIONS_MAX {
            access.remember_used(Timestamp(n as i64), &TokenHash::of(&format!("t{n}")));
        }
        assert_eq!(access.used.len(), INVITATIONS_MAX);
        assert!(!access.used.contains_key(&TokenHash::of("t0")));
        assert!(access.used.contains_key(&TokenHash::of("t1")));
    }

    #[test]
    fn the_oldest_session_of_an_officer_goes_at_the_limit() {
        let mut access = Access::default();
        for n in 0..=SESSIONS_PER_OFFICER_MAX {
            let (officer, expires_at) = (OfficerId::parse("wu").expect("an id"), Timestamp(1_000_000));
            let invited =
                AccessEvent::Invited { token: TokenHash::of("t"), officer, expires_at, by: String::new() };
            access.apply(Timestamp(n as i64), &invited);
            access.apply(Timestamp(n as i64), &enrolled(n));
        }
        assert_eq!(access.sessions.len(), SESSIONS_PER_OFFICER_MAX);
        assert_eq!(access.session(&TokenHash::of("s0"), Timestamp(50)), None);
        assert!(access.session(&TokenHash::of("s1"), Timestamp(50)).is_some());
        assert_eq!(access.session(&TokenHash::of("s1"), Timestamp(2_000_000)), None, "expired");
    }
}
