//! CloudEvents 1.0 (CNCF), structured mode over HTTP: one POST for each piece of news, signed.

use super::{News, NotTaken, Sink};
use crate::configuration::CloudEventsTable;
use crate::effects::signature;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// The far end must answer within this time.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// An address that takes events.
pub(crate) struct CloudEvents {
    url: String,
    secret: Option<Vec<u8>>,
    personal: bool,
    client: reqwest::Client,
}

impl CloudEvents {
    /// None where no address is configured.
    ///
    /// # Errors
    /// When the secret cannot be read: unsigned events are not sent in place of signed ones.
    pub(crate) fn new(table: &CloudEventsTable, folder: &Path) -> std::io::Result<Option<Self>> {
        let Some(url) = table.url.clone() else { return Ok(None) };
        let secret = match &table.secret_file {
            None => None,
            Some(file) => Some(std::fs::read(folder.join(file))?.trim_ascii().to_vec()),
        };
        let client = reqwest::Client::builder().timeout(ANSWER_WITHIN);
        let client =
            client.redirect(reqwest::redirect::Policy::none()).build().map_err(std::io::Error::other)?;
        Ok(Some(Self { url, secret, personal: table.publish_personal, client }))
    }
}

/// The envelope and the news in it.
fn event(news: &News) -> Value {
    json!({
        "specversion": "1.0",
        "id": news.id,
        "source": format!("/wanglou/{}", news.site),
        "type": format!("wanglou.alarm.{}.v1", news.what),
        "subject": news.alarm,
        "time": news.at,
        "datacontenttype": "application/json",
        "data": news,
    })
}

impl Sink for CloudEvents {
    fn name(&self) -> &'static str {
        "cloudevents"
    }

    fn personal(&self) -> bool {
        self.personal
    }

    async fn tell(&mut self, news: &News) -> Result<(), NotTaken> {
        let body = event(news).to_string().into_bytes();
        let mut request =
            self.client.post(&self.url).header("content-type", "application/cloudevents+json; charset=UTF-8");
        if let Some(secret) = &self.secret {
            request = request.header("x-wanglou-signature", signature(secret, &body));
        }
        match request.body(body).send().await {
            Ok(answer) => judge(answer.status().as_u16()),
            Err(error) if error.is_timeout() => Err(NotTaken::Later("no answer in time".into())),
            Err(_) => Err(NotTaken::Later("not reachable".into())),
        }
    }
}

/// What a status means. Keys and addresses get mended, so being refused for them is worth another try.
fn judge(status: u16) -> Result<(), NotTaken> {
    let said = format!("status {status}");
    match status {
        200..=299 => Ok(()),
        400 | 410 | 413 | 415 | 422 => Err(NotTaken::Never(said)),
        _ => Err(NotTaken::Later(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wanglou_model::Text;

    #[test]
    fn the_envelope_is_that_of_cloudevents_1_0() {
        let news = News {
            id: "b3f1aa00-17".into(),
            site: "demo".into(),
            what: "accepted",
            at: "2026-03-02T09:00:00Z".into(),
            alarm: "al_1".into(),
            kind: Some("manhole".into()),
            level: 2,
            title: Some(Text { zh: "井盖打开".into(), en: "Cover open".into() }),
            place: Some("cover/17".into()),
            raised_at: "2026-03-02T08:59:00Z".into(),
            test: false,
            by: Some("wu".into()),
            outcome: None,
            for_walls: true,
        };
        let event = event(&news);
        for required in ["specversion", "id", "source", "type"] {
            assert!(event[required].as_str().is_some_and(|text| !text.is_empty()), "{required}");
        }
        assert_eq!(
            (&event["specversion"], &event["type"]),
            (&"1.0".into(), &"wanglou.alarm.accepted.v1".into())
        );
        assert_eq!((&event["data"]["by"], &event["data"]["alarm"]), (&"wu".into(), &"al_1".into()));
        assert!(event["data"].get("outcome").is_none() && event["data"].get("id").is_none());
    }

    #[test]
    fn what_the_far_end_calls_wrong_is_not_told_again() {
        assert_eq!(judge(204), Ok(()));
        for never in [400, 410, 422] {
            assert!(matches!(judge(never), Err(NotTaken::Never(_))), "{never}");
        }
        for later in [301, 401, 403, 404, 408, 429, 500, 503] {
            assert!(matches!(judge(later), Err(NotTaken::Later(_))), "{later}");
        }
    }
}
