//! The bare server: tokio-tungstenite, a broadcast channel, one task for each socket, no session, no outbox, no journal.

use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// Serves until the process is ended. A connection that begins with `!` is no socket: what follows is broadcast.
///
/// # Errors
/// When the port is taken.
pub async fn serve(port: u16) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let (sender, _) = broadcast::channel::<Utf8Bytes>(16);
    let sender = Arc::new(sender);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let sender = Arc::clone(&sender);
        tokio::spawn(async move {
            if let Err(error) = talk(stream, &sender).await {
                eprintln!("bare: {error}");
            }
        });
    }
}

async fn talk(mut stream: TcpStream, sender: &broadcast::Sender<Utf8Bytes>) -> anyhow::Result<()> {
    let mut first = [0u8; 1];
    stream.peek(&mut first).await?;
    if first[0] == b'!' {
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        let _ = sender.send(text[1..].to_owned().into());
        return Ok(());
    }
    let mut messages = sender.subscribe();
    let mut socket = tokio_tungstenite::accept_async(stream).await?;
    socket.send(Message::text(r#"{"t":"synced"}"#)).await?;
    loop {
        tokio::select! {
            message = messages.recv() => socket.send(Message::Text(message?)).await?,
            said = socket.next() => match said {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(()),
            },
        }
    }
}

/// Has this text sent to everybody.
///
/// # Errors
/// When the server is gone.
pub async fn trigger(port: u16, text: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(format!("!{text}").as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}
