//! One phone: enrols, opens a socket, and notes when each alarm arrives.

use crate::stats::now;
use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// When each place's alarm arrived.
pub type Arrivals = Arc<Mutex<BTreeMap<String, Duration>>>;

/// Enrols with a link's token and listens until the task is dropped.
///
/// # Errors
/// When the gateway refuses.
pub async fn listen(origin: &str, token: &str) -> anyhow::Result<Arrivals> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let body = serde_json::json!({"token": token, "name": "bench"});
    let answer = client
        .post(format!("{origin}/api/enrol"))
        .header("origin", origin)
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await?;
    let cookie = answer
        .headers()
        .get("set-cookie")
        .context("no cookie")?
        .to_str()?
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut request = format!("{}/ws", origin.replace("http://", "ws://")).into_client_request()?;
    let headers = request.headers_mut();
    headers.insert("origin", origin.parse()?);
    headers.insert("cookie", cookie.parse()?);
    headers.insert("sec-websocket-protocol", "wanglou.v1".parse()?);
    let address = origin.trim_start_matches("http://");
    let stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    socket.send(Message::text(r#"{"t":"hello","dev":"d","cursor":0,"history":"","vis":"visible"}"#)).await?;
    let arrivals = Arrivals::default();
    let noted = Arc::clone(&arrivals);
    tokio::spawn(async move {
        while let Some(Ok(message)) = socket.next().await {
            let at = now();
            let Ok(text) = message.to_text() else { continue };
            let Ok(said) = serde_json::from_str::<serde_json::Value>(text) else { continue };
            let reply = match said["t"].as_str() {
                Some("alarm") => {
                    let place = said["a"]["place"]["id"].as_str().unwrap_or_default().to_owned();
                    noted.lock().unwrap_or_else(PoisonError::into_inner).entry(place).or_insert(at);
                    serde_json::json!({"t": "got", "id": said["a"]["id"], "rev": said["a"]["rev"], "as": "stored"})
                }
                Some("ping") => serde_json::json!({"t": "pong", "n": said["n"]}),
                _ => continue,
            };
            if socket.send(Message::text(reply.to_string())).await.is_err() {
                return;
            }
        }
    });
    Ok(arrivals)
}
