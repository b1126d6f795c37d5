//! How an alarm is written for those who take it: our own JSON, or the robots of WeCom, DingTalk and Feishu. Level, type
//! and building, and a link to the alarm; never a name, never a flat number.

use super::{Notice, Webhook, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

/// Who reads the post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
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
}

/// What is posted.
#[derive(Debug, PartialEq)]
pub(super) struct Post {
    pub(super) url: String,
    pub(super) body: Vec<u8>,
    /// `X-Wanglou-Signature`.
    pub(super) signature: Option<String>,
}

impl Template {
    /// The post for a notice at this wall time, milliseconds since 1970. `link` leads to the app.
    pub(super) fn post(self, webhook: &Webhook, notice: &Notice, link: &str, now_ms: i64) -> Post {
        let secret = webhook.secret.as_deref();
        let url = match (self, secret) {
            (Template::Dingtalk, Some(secret)) => signed_address(&webhook.url, secret, now_ms),
            _ => webhook.url.clone(),
        };
        let body = self.body(secret, notice, link, now_ms).to_string().into_bytes();
        let signature = match (self, secret) {
            (Template::Json, Some(secret)) => Some(super::signature(secret, &body)),
            _ => None,
        };
        Post { url, body, signature }
    }

    fn body(self, secret: Option<&[u8]>, notice: &Notice, link: &str, now_ms: i64) -> Value {
        let text = text(notice, link);
        match self {
            Template::Json => serde_json::to_value(notice).unwrap_or_default(),
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

    /// Robots say what is wrong with status 200. `Err` says whether trying again can help.
    pub(super) fn judge(self, answer: &[u8]) -> Result<(), (bool, String)> {
        if self == Template::Json {
            return Ok(());
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

#[cfg(test)]
mod tests {
    use super::*;
    use wanglou_model::{OfficerId, Recipient, Text, Timestamp};

    fn webhook(secret: Option<&str>) -> Webhook {
        Webhook {
            url: "https://oapi.example/robot/send?access_token=k".into(),
            secret: secret.map(|secret| secret.as_bytes().to_vec()),
            template: Template::Json,
            per_minute_max: 20,
            sent: Vec::new(),
        }
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
            rev: 1,
            to: Recipient::Officer(OfficerId::parse("wu").expect("an id")),
            expires_at: Timestamp(0),
        }
    }

    fn body(template: Template, secret: Option<&str>) -> Value {
        let post = template.post(&webhook(secret), &notice(), "https://w.example", 1_772_413_200_123);
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
            template.post(&webhook(Some("SECabc")), &notice(), "https://w.example", 1_772_413_200_123)
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
            assert_eq!(Template::Feishu.judge(good.as_bytes()), Ok(()), "{good}");
        }
        assert_eq!(
            Template::Dingtalk.judge(br#"{"errcode":310000,"errmsg":"sign not match"}"#),
            Err((false, "robot code 310000".into()))
        );
        assert_eq!(Template::Wecom.judge(br#"{"errcode":45009}"#), Err((true, "robot code 45009".into())));
        assert!(Template::Wecom.judge(b"<html>").is_err());
        assert_eq!(Template::Json.judge(b""), Ok(()));
    }
}
