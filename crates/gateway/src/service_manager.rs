//! What systemd is told: ready, alive, stopping. Without systemd (no NOTIFY_SOCKET) nothing is sent.

use crate::writer::WriterHandle;
use sd_notify::NotifyState;
use std::time::Duration;

/// The journal is read, and phones may connect.
pub fn ready(address: std::net::SocketAddr) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("phones connect to {address}"))]);
}

/// It drains, and will end.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping: everything that waits is being committed")]);
}

/// Says that it lives, as often as is asked for, for as long as the writer answers: a gateway whose journal hangs is
/// of no use to anybody, and is started again. Returns at once when nobody asks.
pub async fn feed_watchdog(writer: WriterHandle) {
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| *limit >= Duration::from_millis(2)) else {
        return;
    };
    let mut beat = tokio::time::interval(limit / 3);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        match tokio::time::timeout(limit / 3, writer.read(|_| ())).await {
            Ok(Ok(())) => tell(&[NotifyState::Watchdog]),
            Ok(Err(refused)) => tracing::warn!(%refused, "the writer does not answer the watchdog"),
            Err(_) => tracing::warn!(?limit, "the writer is too slow for the watchdog"),
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd was not told");
    }
}
