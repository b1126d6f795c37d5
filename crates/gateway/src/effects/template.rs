//! How an alarm is written for those who take it: our own JSON, the robots of WeCom, DingTalk and Feishu, a server of
//! ntfy, or whatever a gateway of short messages or calls wants. Level, type and building, and a link to the alarm; never
//! a name, never a flat number.

use super::sending::Webhook;
use super::{Notice, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Who reads the post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// A program: the notice as JSON, signed in a header if there is a secret.
    #[default]
    Json,
    /// A group robot of WeCom (企业微信). Its key is in its address; there is no secret.
    Wecom,
    /// A group robot of DingTalk (钉钉); with a secret, time and signature go into the address.
    Dingtalk,
    /// A group robot of Feishu (飞书); with a secret, time and signature go into the body.
    Feishu,
    /// A topic of an ntfy server, `https://ntfy.example/topic`; a secret is its access token.
    Ntfy,
    /// Whatever `body` says, with `{…}` filled in: a gateway of short messages or of calls. A secret is sent as a bearer
    /// token.
    Text,
}

/// What is posted.
#[derive(Debug, PartialEq)]
pub(super) struct Post {
    pub(super) url: String,
    pub(super) body: Vec<u8>,
    /// `X-Wanglou-Signature`.
    pub(super) signature: Option<String>,
    /// `Authorization`.
    pub(super) bearer: Option<String>,
    pub(super) content_type: String,
}

/// What a body may name: who is called, what is said, and its parts.
const FIELDS: [&str; 8] = ["phone", "text", "level", "title", "title_en", "place", "link", "id"];

impl Template {
    /// The post for a notice at this wall time, milliseconds since 1970. `link` leads to the app.
    pub(super) fn post(
        self,
        webhook: &Webhook,
        notice: &Notice,
        telephone: &str,
        link: &str,
        now_ms: i64,
    ) -> Post {
        let secret = webhook.secret.as_deref();
        let url = match (self, secret) {
            (Template::Dingtalk, Some(secret)) => signed_address(&webhook.url, secret, now_ms),
            (Template::Ntfy, _) => ntfy_server(&webhook.url).0,
            _ => webhook.url.clone(),
        };
        let body = match self {
            Template::Text => {
                filled(&webhook.body, &webhook.content_type, notice, telephone, link).into_bytes()
            }
            Template::Ntfy => ntfy(&webhook.url, notice, link).to_string().into_bytes(),
            Template::Json | Template::Wecom | Template::Dingtalk | Template::Feishu => {
                self.body(secret, notice, link, now_ms).to_string().into_bytes()
            }
        };
        let signature = match (self, secret) {
            (Template::Json, Some(secret)) => Some(super::signature(secret, &body)),
            _ => None,
        };
        let token = || secret.map(|secret| String::from_utf8_lossy(secret).into_owned());
        let bearer = matches!(self, Template::Ntfy | Template::Text).then(token).flatten();
        let json = "application/json";
        let content_type = if self == Template::Text { &webhook.content_type } else { json };
        Post { url, body, signature, bearer, content_type: content_type.to_owned() }
    }

    /// Does it call a number?
    pub(super) fn needs_telephone(self, body: &str) -> bool {
        self == Template::Text && body.contains("{phone}")
    }

    fn body(self, secret: Option<&[u8]>, notice: &Notice, link: &str, now_ms: i64) -> Value {
        let text = text(notice, link);
        match self {
            Template::Json | Template::Ntfy | Template::Text => {
                serde_json::to_value(notice).unwrap_or_default()
            }
            Template::Wecom | Template::Dingtalk => json!({"msgtype": "text", "text": {"content": text}}),
            Template::Feishu => {
                let mut body = json!({"msg_type": "text", "content": {"text": text}});
                if let Some(secret) = secret {
                    let seconds = now_ms / 1_000;
                    let key = [format!("{seconds}\n").as_bytes(), secret].concat();
                    body["timestamp"] = seconds.to_string().into();
                    body["sign"] = STANDARD.encode(hmac(&key, b"")).into();
                }
                body
            }
        }
    }

    /// Robots say what is wrong with status 200. `ok` is where the answer to a text says yes: `/code=0`. `Err` says whether
    /// trying again can help.
    pub(super) fn judge(self, ok: Option<&str>, answer: &[u8]) -> Result<(), (bool, String)> {
        match self {
            Template::Json | Template::Ntfy => return Ok(()),
            Template::Text => return says_yes(ok, answer),
            Template::Wecom | Template::Dingtalk | Template::Feishu => {}
        }
        let said: Value = serde_json::from_slice(answer).unwrap_or_default();
        let code = said.get("errcode").or_else(|| said.get("code")).or_else(|| said.get("StatusCode"));
        match code.and_then(Value::as_i64) {
            Some(0) => Ok(()),
            // Too many in a minute: WeCom, DingTalk, Feishu.
            Some(code @ (45_009 | 130_101 | 410_100 | 9_499 | 11_232)) => {
                Err((true, format!("robot code {code}")))
            }
            Some(code) => Err((false, format!("robot code {code}"))),
            None => Err((false, "the robot's answer is not understood".to_owned())),
        }
    }
}

fn text(notice: &Notice, link: &str) -> String {
    if let Some(words) = &notice.bulletin {
        return words.clone();
    }
    let level =
        ["", "一级", "二级", "三级", "四级"].get(usize::from(notice.level)).copied().unwrap_or_default();
    let test = if notice.test { "【演练 TEST】" } else { "" };
    let place =
        if notice.place.zh.is_empty() { String::new() } else { format!("\n地点：{}", notice.place.zh) };
    format!("{test}【{level}告警】{}{place}\n打开望楼接警：{link}/#/alarm/{}", notice.title.zh, notice.alarm)
}

/// DingTalk: `&timestamp=…&sign=…`, over the time, a line break and the secret.
fn signed_address(url: &str, secret: &[u8], now_ms: i64) -> String {
    let signed = [format!("{now_ms}\n").as_bytes(), secret].concat();
    let sign = STANDARD.encode(hmac(secret, &signed));
    let sign = sign.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}timestamp={now_ms}&sign={sign}")
}

/// The server of a topic's address, and the topic.
fn ntfy_server(url: &str) -> (String, String) {
    let bare = url.trim_end_matches('/');
    match bare.rsplit_once('/') {
        Some((server, topic)) if !server.ends_with('/') => (format!("{server}/"), topic.to_owned()),
        _ => (url.to_owned(), String::new()),
    }
}

fn ntfy(url: &str, notice: &Notice, link: &str) -> Value {
    let (_, topic) = ntfy_server(url);
    let test = if notice.test { "【演练 TEST】" } else { "" };
    // ntfy's 5 rings through "do not disturb", 4 rings, 3 is usual.
    let (priority, tag) = match notice.level {
        1 => (5, "octagonal_sign"),
        2 => (4, "warning"),
        _ => (3, "large_orange_diamond"),
    };
    if let Some(words) = &notice.bulletin {
        return json!({"topic": topic, "title": notice.title.zh, "message": words, "priority": 3});
    }
    json!({
        "topic": topic,
        "title": format!("{test}{} {}", notice.title.zh, notice.title.en),
        "message": text(notice, link),
        "priority": priority,
        "tags": [tag],
        "click": format!("{link}/#/alarm/{}", notice.alarm),
    })
}

/// The body with everything filled in: as strings of JSON, or as a form wants them.
fn filled(body: &str, content_type: &str, notice: &Notice, telephone: &str, link: &str) -> String {
    let value = |field: &str| match field {
        "phone" => telephone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect(),
        "text" => text(notice, link).replace('\n', " "),
        "level" => notice.level.to_string(),
        "title" => notice.title.zh.clone(),
        "title_en" => notice.title.en.clone(),
        "place" => notice.place.zh.clone(),
        "link" if notice.bulletin.is_some() => String::new(),
        "link" => format!("{link}/#/alarm/{}", notice.alarm),
        _ => notice.id.clone(),
    };
    let is_json = content_type.contains("json");
    FIELDS.into_iter().fold(body.to_owned(), |body, field| {
        let value: String = value(field);
        let written = if is_json { quoted(&value) } else { percent(&value) };
        body.replace(&format!("{{{field}}}"), &written)
    })
}

/// What stands between the quotes of a JSON string.
fn quoted(text: &str) -> String {
    let whole = Value::from(text).to_string();
    whole[1..whole.len() - 1].to_owned()
}

fn percent(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn says_yes(ok: Option<&str>, answer: &[u8]) -> Result<(), (bool, String)> {
    let Some((pointer, wanted)) = ok.and_then(|ok| ok.split_once('=')) else { return Ok(()) };
    let said: Value = serde_json::from_slice(answer).unwrap_or_default();
    let found = match said.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => return Err((false, "the answer is not understood".to_owned())),
    };
    // An answer may quote what was sent, a number above all: it is not kept.
    if found == wanted { Ok(()) } else { Err((false, "refused by the far end".to_owned())) }
}

/// What is wrong with a table of template `text`.
///
/// # Errors
/// In words, with what may stand there.
pub fn check_text(body: Option<&str>, content_type: &str, ok: Option<&str>) -> Result<(), String> {
    let Some(body) = body else {
        return Err("template \"text\" needs a body, such as \"{phone}\" and \"{text}\" in JSON".into());
    };
    let stripped =
        FIELDS.into_iter().fold(body.to_owned(), |body, field| body.replace(&format!("{{{field}}}"), "1"));
    if content_type.contains("json") && serde_json::from_str::<Value>(&stripped).is_err() {
        let known = FIELDS.map(|field| format!("{{{field}}}")).join(" ");
        return Err(format!("the body is no JSON once filled in; between quotes may stand {known}"));
    }
    if ok.is_some_and(|ok| !ok.starts_with('/') || !ok.contains('=')) {
        return Err("ok is a place in the answer and what stands there, such as \"/code=0\"".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wanglou_model::{OfficerId, Recipient, Text, Timestamp};

    fn webhook(secret: Option<&str>) -> Webhook {
        let table =
            toml::from_str("url = \"https://oapi.example/robot/send?access_token=k\"").expect("a table");
        let mut webhook = Webhook::new(&table, std::path::Path::new("."), "Asia/Shanghai");
        webhook.secret = secret.map(|secret| secret.as_bytes().to_vec());
        webhook
    }

    fn notice() -> Notice {
        let text = |zh: &str, en: &str| Text { zh: zh.into(), en: en.into() };
        Notice {
            id: "ef_1".into(),
            alarm: "al_1".into(),
            kind: "manhole".into(),
            level: 1,
            title: text("井盖打开", "Cover open"),
            place: text("东区", "East"),
            raised_at: "2026-03-02T01:00:00Z".into(),
            test: false,
            bulletin: None,
            rev: 1,
            to: Recipient::Officer(OfficerId::parse("wu").expect("an id")),
            expires_at: Timestamp(0),
            channel: wanglou_model::Channel::Webhook,
        }
    }

    fn body(template: Template, secret: Option<&str>) -> Value {
        let post = template.post(&webhook(secret), &notice(), "", "https://w.example", 1_772_413_200_123);
        serde_json::from_slice(&post.body).expect("JSON")
    }

    const TEXT: &str = "【一级告警】井盖打开\n地点：东区\n打开望楼接警：https://w.example/#/alarm/al_1";

    #[test]
    fn each_robot_gets_what_it_reads() {
        assert_eq!(body(Template::Wecom, None), json!({"msgtype": "text", "text": {"content": TEXT}}));
        assert_eq!(body(Template::Dingtalk, None), json!({"msgtype": "text", "text": {"content": TEXT}}));
        assert_eq!(body(Template::Feishu, None), json!({"msg_type": "text", "content": {"text": TEXT}}));
        assert_eq!(body(Template::Json, None)["level"], 1);
        assert!(!TEXT.contains("wu"), "nobody's name");
    }

    #[test]
    fn a_test_says_so_first() {
        let test = Notice { test: true, ..notice() };
        assert!(text(&test, "").starts_with("【演练 TEST】【一级告警】"));
    }

    #[test]
    fn signatures_are_where_each_robot_looks_for_them() {
        let post = |template: Template| {
            template.post(&webhook(Some("SECabc")), &notice(), "", "https://w.example", 1_772_413_200_123)
        };
        // Computed apart, with another program: HMAC-SHA256 of "1772413200123\nSECabc" under "SECabc".
        let dingtalk = post(Template::Dingtalk);
        let expected = "https://oapi.example/robot/send?access_token=k&timestamp=1772413200123&sign=nUpsP%2FsjlDo%2BBBUDQ0OXjgFnZavK%2BsV4B66SUVJz7xg%3D";
        assert_eq!(dingtalk.url, expected);
        assert_eq!(dingtalk.signature, None);
        // HMAC-SHA256 of nothing under "1772413200\nSECabc".
        let feishu = body(Template::Feishu, Some("SECabc"));
        assert_eq!(
            (&feishu["timestamp"], &feishu["sign"]),
            (&json!("1772413200"), &json!("4lTRIbncEPRM9RwLPq/GmmeGuSq5gDeaP3jzqmHB6k0="))
        );
        assert!(post(Template::Json).signature.is_some_and(|signature| signature.starts_with("sha256=")));
    }

    #[test]
    fn a_robot_that_says_no_with_status_200_has_said_no() {
        for good in [r#"{"errcode":0,"errmsg":"ok"}"#, r#"{"code":0,"msg":"success"}"#, r#"{"StatusCode":0}"#]
        {
            assert_eq!(Template::Feishu.judge(None, good.as_bytes()), Ok(()), "{good}");
        }
        assert_eq!(
            Template::Dingtalk.judge(None, br#"{"errcode":310000,"errmsg":"sign not match"}"#),
            Err((false, "robot code 310000".into()))
        );
        assert_eq!(
            Template::Wecom.judge(None, br#"{"errcode":45009}"#),
            Err((true, "robot code 45009".into()))
        );
        assert!(Template::Wecom.judge(None, b"<html>").is_err());
        assert_eq!(Template::Json.judge(None, b""), Ok(()));
    }

    #[test]
    fn ntfy_gets_its_topic_and_rings_through_silence_for_level_one() {
        let mut topic = webhook(Some("tk_abc"));
        topic.url = "https://ntfy.example/duty-room".into();
        let post = Template::Ntfy.post(&topic, &notice(), "", "https://w.example", 0);
        let body: Value = serde_json::from_slice(&post.body).expect("JSON");
        assert_eq!((post.url.as_str(), post.bearer.as_deref()), ("https://ntfy.example/", Some("tk_abc")));
        assert_eq!((&body["topic"], &body["priority"]), (&json!("duty-room"), &json!(5)));
        assert_eq!(body["click"], "https://w.example/#/alarm/al_1");
    }

    #[test]
    fn a_gateway_of_calls_gets_what_its_body_says_and_nothing_breaks_out_of_it() {
        let mut calls = webhook(None);
        calls.body = r#"{"to":"{phone}","say":"{title}, {place}","level":{level},"ref":"{id}"}"#.into();
        let mut odd = notice();
        odd.title.zh = "井盖\"打开\"\\".into();
        let post = Template::Text.post(&calls, &odd, "+86 000-0001", "https://w.example", 0);
        let body: Value = serde_json::from_slice(&post.body).expect("JSON whatever is filled in");
        let say = "井盖\"打开\"\\, 东区";
        assert_eq!(body, json!({"to": "+860000001", "say": say, "level": 1, "ref": "ef_1"}));
        calls.content_type = "application/x-www-form-urlencoded".into();
        calls.body = "mobile={phone}&content={title}".into();
        let post = Template::Text.post(&calls, &notice(), "+86 1", "", 0);
        assert_eq!(post.body, b"mobile=%2B861&content=%E4%BA%95%E7%9B%96%E6%89%93%E5%BC%80");
        assert!(Template::Text.needs_telephone(&calls.body) && !Template::Text.needs_telephone("{text}"));
    }

    #[test]
    fn a_gateway_that_says_no_with_status_200_has_said_no_and_is_not_quoted() {
        let judge = |answer: &str| Template::Text.judge(Some("/Code=OK"), answer.as_bytes());
        assert_eq!(judge(r#"{"Code":"OK"}"#), Ok(()));
        assert_eq!(
            judge(r#"{"Code":"isv.BUSINESS_LIMIT_CONTROL"}"#),
            Err((false, "refused by the far end".into()))
        );
        assert!(judge("<html>").is_err());
        assert_eq!(Template::Text.judge(Some("/a/b=0"), br#"{"a":{"b":0}}"#), Ok(()));
    }

    #[test]
    fn a_body_is_checked_before_the_night_it_is_needed() {
        let json = "application/json";
        assert_eq!(check_text(Some(r#"{"m":"{phone}","n":{level}}"#), json, None), Ok(()));
        assert!(check_text(None, json, None).is_err());
        assert!(check_text(Some(r#"{"m":{phone}"#), json, None).is_err());
        assert!(check_text(Some("{}"), json, Some("code=0")).is_err());
        assert_eq!(
            check_text(Some("m={phone}"), "application/x-www-form-urlencoded", Some("/code=0")),
            Ok(())
        );
    }
}
