//! Push subscriptions of phones: with which key, where to, and a trial that reaches this phone alone.

use super::session::{Caller, secret};
use super::{PhoneSide, Problem};
use crate::access::AccessEvent;
use crate::push::{Carriage, Message, Push, Said, Subscription, Unusable};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wanglou_model::{Input, Priority, PushNews, Text};

/// A trial that did not arrive within this time is not delivered later, seconds.
const TRIAL_TTL_S: u64 = 60;

fn push(side: &PhoneSide) -> Result<Arc<Push>, Problem> {
    let (zh, en) = ("本系统没有配置推送", "push messages are not configured here");
    side.push.clone().ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no_push", zh, en))
}

/// How a phone subscribes.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PushKey")]
pub(super) struct Shown {
    /// Our public key, as browsers want it.
    key: String,
    /// This phone's subscription is known.
    subscribed: bool,
}

/// A trial under way.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PushTrial")]
pub(super) struct Trial {
    /// What the message will say.
    trial: String,
}

/// Our public key, and whether this phone's subscription is known.
pub(super) async fn show(State(side): State<PhoneSide>, caller: Caller) -> Result<Response, Problem> {
    let key = push(&side)?.public_key();
    let subscribed = caller.session.push.is_some();
    Ok(Json(Shown { key, subscribed }).into_response())
}

/// A subscription as browsers write it.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PushSubscription")]
pub(super) struct Given {
    endpoint: String,
    keys: Keys,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PushKeys")]
struct Keys {
    p256dh: String,
    auth: String,
}

/// Takes this phone's subscription. Each opening of the app says it again; the same one costs nothing.
pub(super) async fn subscribe(
    State(side): State<PhoneSide>,
    caller: Caller,
    Json(given): Json<Given>,
) -> Result<StatusCode, Problem> {
    let push = push(&side)?;
    let Given { endpoint, keys: Keys { p256dh, auth } } = given;
    let subscription = Subscription { endpoint, p256dh, auth };
    push.check(&subscription).map_err(|unusable| refused(&unusable))?;
    if caller.session.push.as_ref() == Some(&subscription) {
        return Ok(StatusCode::NO_CONTENT);
    }
    // The engine first: were we to stop in between, the phone's next word would bring both about.
    let news = PushNews { officer: caller.id().clone(), phone: caller.phone().clone(), on: true };
    side.writer.submit(Input::Push(news)).await?;
    side.writer.admit(AccessEvent::Subscribed { session: caller.token, push: subscription }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn refused(unusable: &Unusable) -> Problem {
    let zh = match unusable {
        Unusable::Address => "推送地址无效".to_owned(),
        Unusable::Host(host) => format!("推送服务 {host} 不在允许名单，请联系物业"),
        Unusable::Keys => "推送密钥无效".to_owned(),
    };
    Problem::new(StatusCode::BAD_REQUEST, "unusable", &zh, &unusable.to_string())
}

/// This phone is not to be pushed to any more.
pub(super) async fn unsubscribe(
    State(side): State<PhoneSide>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    if caller.session.push.is_some() {
        let (id, phone) = (caller.id().clone(), caller.phone().clone());
        crate::push::unsubscribe(&side.writer, &caller.token, &id, &phone, "asked for").await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A message to this phone alone, through its real push service. The app waits for its id.
pub(super) async fn trial(State(side): State<PhoneSide>, caller: Caller) -> Result<Response, Problem> {
    let push = push(&side)?;
    let missing = || {
        Problem::new(
            StatusCode::CONFLICT,
            "not_subscribed",
            "此手机没有订阅推送",
            "this phone has not subscribed",
        )
    };
    let to = caller.session.push.clone().ok_or_else(missing)?;
    if !side.door.try_trial(tokio::time::Instant::now(), caller.phone()) {
        return Err(Problem::slow_down(10));
    }
    let trial = secret()?[..16].to_owned();
    let nothing = || Text { zh: String::new(), en: String::new() };
    let message = Message {
        alarm: String::new(),
        rev: 0,
        level: 3,
        title: nothing(),
        place: nothing(),
        test: true,
        trial: trial.clone(),
    };
    let how = Carriage::new(Priority::P1, &trial, TRIAL_TTL_S);
    let far = |why: &str| Problem::new(StatusCode::BAD_GATEWAY, "push_failed", "推送服务没有接收", why);
    match push.send(&to, &message, &how).await {
        Said::Taken => Ok(Json(Trial { trial }).into_response()),
        Said::Gone => {
            let (id, phone) = (caller.id().clone(), caller.phone().clone());
            crate::push::unsubscribe(&side.writer, &caller.token, &id, &phone, "gone").await;
            Err(missing())
        }
        Said::Later(_, why) | Said::Refused(why) => Err(far(&why)),
    }
}
