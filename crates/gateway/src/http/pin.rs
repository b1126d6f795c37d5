//! The PIN over HTTP: chosen, asked for, and taken away by the property manager. Guessing is slowed down per officer,
//! over all their phones, and ends after ten wrong ones in a row.

use super::session::Caller;
use super::{PhoneSide, Problem};
use crate::access::{AccessEvent, Pin, PinFault, TokenHash};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wanglou_model::OfficerId;

/// After so many wrong ones in a row an officer waits; after twice as many the PIN is of no use any more.
const WRONG_MAX: u32 = 5;
const WAIT: Duration = Duration::from_secs(5 * 60);
/// What is known of a home is shown for so long after the PIN was given.
const UNLOCKED_LASTS: Duration = Duration::from_secs(5 * 60);
/// Hashes at once: each takes 19 MiB.
const HASHES_MAX: usize = 2;

/// What was tried, and which sessions gave their PIN lately. In memory: a restart forgives, and asks again.
#[derive(Debug)]
pub struct Guard {
    tries: Mutex<BTreeMap<OfficerId, Tries>>,
    unlocked: Mutex<BTreeMap<TokenHash, Instant>>,
    room: Semaphore,
}

#[derive(Debug, Clone, Copy)]
struct Tries {
    wrong: u32,
    wait_until: Instant,
}

impl Default for Guard {
    fn default() -> Self {
        Self { tries: Mutex::default(), unlocked: Mutex::default(), room: Semaphore::new(HASHES_MAX) }
    }
}

/// What comes of a wrong PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    /// So many more may be tried before there is a wait.
    Left(u32),
    /// Wait.
    Wait(Duration),
    /// It is of no use any more.
    Locked,
}

impl Guard {
    /// Counts a try before it is judged, so that many at once are no way around. Says how long to wait, if so.
    fn begin(&self, now: Instant, officer: &OfficerId) -> Result<(), Duration> {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = tries.entry(officer.clone()).or_insert(Tries { wrong: 0, wait_until: now });
        if mine.wait_until > now {
            return Err(mine.wait_until - now);
        }
        mine.wrong += 1;
        if mine.wrong.is_multiple_of(WRONG_MAX) {
            mine.wait_until = now + WAIT;
        }
        Ok(())
    }

    /// What the try that was counted last means, now that it was wrong.
    fn wrong(&self, now: Instant, officer: &OfficerId) -> Wrong {
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mine) = tries.get(officer) else { return Wrong::Left(WRONG_MAX) };
        if mine.wrong >= 2 * WRONG_MAX {
            Wrong::Locked
        } else if mine.wait_until > now {
            Wrong::Wait(mine.wait_until - now)
        } else {
            Wrong::Left(WRONG_MAX - mine.wrong % WRONG_MAX)
        }
    }

    fn right(&self, now: Instant, officer: &OfficerId, session: &TokenHash) {
        self.forget(officer);
        let mut unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        unlocked.retain(|_, at| now.duration_since(*at) < UNLOCKED_LASTS);
        unlocked.insert(session.clone(), now);
    }

    fn forget(&self, officer: &OfficerId) {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).remove(officer);
    }

    /// Was the PIN given on this phone within the last minutes?
    pub(super) fn is_unlocked(&self, now: Instant, session: &TokenHash) -> bool {
        let unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        unlocked.get(session).is_some_and(|at| now.duration_since(*at) < UNLOCKED_LASTS)
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PinChosen")]
pub(super) struct Chosen {
    pin: String,
    /// The one until now, if there is one.
    #[serde(default)]
    old: String,
}

/// Chooses a PIN; somebody who has one gives it too.
pub(super) async fn choose(
    State(side): State<PhoneSide>,
    caller: Caller,
    Json(chosen): Json<Chosen>,
) -> Result<StatusCode, Problem> {
    if side.pin_of(caller.id()).is_some() {
        judge(&side, &caller, chosen.old).await?;
    }
    let _room = side.guard.room.acquire().await.map_err(|_| Problem::auth())?;
    let made =
        tokio::task::spawn_blocking(move || Pin::choose(&chosen.pin)).await.unwrap_or(Err(PinFault::System));
    let pin = made.map_err(unfit)?;
    side.writer.admit(AccessEvent::PinSet { officer: caller.id().clone(), pin }).await?;
    side.guard.right(Instant::now(), caller.id(), &caller.token);
    Ok(StatusCode::NO_CONTENT)
}

fn unfit(fault: PinFault) -> Problem {
    match fault {
        PinFault::Digits => Problem::new(
            StatusCode::BAD_REQUEST,
            "pin_digits",
            "请用 4 至 8 位数字",
            "take four to eight digits",
        ),
        PinFault::Guessable => Problem::new(
            StatusCode::BAD_REQUEST,
            "pin_guessable",
            "太容易猜到：不要用相同或连续的数字",
            "too easy to guess: not all the same, not one after the other",
        ),
        PinFault::System => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "系统繁忙，请重试", "busy; try again")
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PinGiven")]
pub(super) struct Given {
    pin: String,
}

/// Unlocks this phone for some minutes, or says why not.
pub(super) async fn unlock(
    State(side): State<PhoneSide>,
    caller: Caller,
    Json(given): Json<Given>,
) -> Result<StatusCode, Problem> {
    judge(&side, &caller, given.pin).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn judge(side: &PhoneSide, caller: &Caller, given: String) -> Result<(), Problem> {
    let pin = side.pin_of(caller.id()).ok_or_else(missing)?;
    if pin.locked {
        return Err(locked());
    }
    side.guard.begin(Instant::now(), caller.id()).map_err(wait)?;
    let _room = side.guard.room.acquire().await.map_err(|_| Problem::auth())?;
    let good = tokio::task::spawn_blocking(move || pin.is(&given)).await.unwrap_or(false);
    let now = Instant::now();
    if good {
        side.guard.right(now, caller.id(), &caller.token);
        return Ok(());
    }
    match side.guard.wrong(now, caller.id()) {
        Wrong::Left(left) => {
            let (zh, en) = (format!("PIN 不对，还可以试 {left} 次"), format!("Wrong PIN; {left} more tries"));
            Err(Problem::new(StatusCode::FORBIDDEN, "pin_wrong", &zh, &en))
        }
        Wrong::Wait(left) => Err(wait(left)),
        Wrong::Locked => {
            let (officer, phone) = (caller.id().clone(), caller.phone().clone());
            tracing::warn!(%officer, %phone, "the PIN is locked after ten wrong ones");
            side.writer.admit(AccessEvent::PinLocked { officer, phone }).await?;
            Err(locked())
        }
    }
}

/// There is no PIN where one is needed.
pub(super) fn missing() -> Problem {
    let (zh, en) = ("请先在“设置”里设一个 PIN", "choose a PIN first, under Settings");
    Problem::new(StatusCode::FORBIDDEN, "pin_missing", zh, en)
}

fn locked() -> Problem {
    let (zh, en) = (
        "错了十次，PIN 已锁定，请物业重置",
        "ten wrong ones: the PIN is locked; the property manager resets it",
    );
    Problem::new(StatusCode::FORBIDDEN, "pin_locked", zh, en)
}

fn wait(left: Duration) -> Problem {
    Problem::slow_down(u32::try_from(left.as_secs()).unwrap_or(u32::MAX).max(1))
}

#[derive(Deserialize)]
pub(super) struct Whose {
    officer: OfficerId,
}

/// Takes an officer's PIN away: they choose another one.
pub(super) async fn reset(
    State(side): State<PhoneSide>,
    caller: Caller,
    Query(whose): Query<Whose>,
) -> Result<StatusCode, Problem> {
    caller.admin()?;
    if side.pin_of(&whose.officer).is_none() {
        return Err(Problem::new(StatusCode::NOT_FOUND, "gone", "此人没有 PIN", "they have no PIN"));
    }
    let event = AccessEvent::PinCleared { officer: whose.officer.clone(), by: caller.id().clone() };
    side.writer.admit(event).await?;
    side.guard.forget(&whose.officer);
    tracing::info!(officer = %whose.officer, by = %caller.id(), "the PIN is reset");
    Ok(StatusCode::NO_CONTENT)
}

impl PhoneSide {
    /// An officer's PIN, if they have one.
    pub(super) fn pin_of(&self, officer: &OfficerId) -> Option<Pin> {
        self.writer.access().pins.get(officer).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wu() -> OfficerId {
        OfficerId::parse("wu").expect("an id")
    }

    #[tokio::test(start_paused = true)]
    async fn five_wrong_ones_wait_and_ten_lock() {
        let (guard, now) = (Guard::default(), Instant::now());
        for left in (1..WRONG_MAX).rev() {
            assert_eq!(guard.begin(now, &wu()), Ok(()));
            assert_eq!(guard.wrong(now, &wu()), Wrong::Left(left));
        }
        assert_eq!(guard.begin(now, &wu()), Ok(()));
        assert_eq!(guard.wrong(now, &wu()), Wrong::Wait(WAIT));
        assert_eq!(guard.begin(now, &wu()), Err(WAIT), "not even a right one");
        let later = now + WAIT;
        for _ in 1..WRONG_MAX {
            assert_eq!(guard.begin(later, &wu()), Ok(()));
        }
        assert_eq!(guard.begin(later, &wu()), Ok(()));
        assert_eq!(guard.wrong(later, &wu()), Wrong::Locked);
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_one_unlocks_its_phone_for_five_minutes_and_forgives() {
        let (guard, now) = (Guard::default(), Instant::now());
        let session = TokenHash("s".into());
        assert_eq!(guard.begin(now, &wu()), Ok(()));
        guard.right(now, &wu(), &session);
        assert!(guard.is_unlocked(now, &session) && !guard.is_unlocked(now, &TokenHash("other".into())));
        assert!(!guard.is_unlocked(now + UNLOCKED_LASTS, &session));
        assert_eq!(guard.begin(now, &wu()), Ok(()));
        assert_eq!(guard.wrong(now, &wu()), Wrong::Left(WRONG_MAX - 1), "counted from the beginning");
    }
}
