//! The listener: a limit on connections, and a time-out for those who do not finish their headers.

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tower::Service as _;

/// A connection that has not sent its headers after this time is closed.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// The largest headers, bytes.
const HEADER_BYTES_MAX: usize = 16 << 10;
/// When the system has no descriptors left, accepting pauses so long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why nothing could be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}; is another gateway running? change the address, or stop it")]
pub struct ServeError {
    address: SocketAddr,
    error: std::io::Error,
}

/// Binds the address. Separate from serving, so that a start fails before anything else began.
///
/// # Errors
/// [`ServeError`] when the address is taken or not ours.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|error| ServeError { address, error })
}

/// Serves until `stopping` turns true. At the limit of connections new ones wait in the system's queue.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    mut stopping: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(connections_max));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Alarms are small and must not wait for more.
        let _ = stream.set_nodelay(true);
        let service = router.clone();
        tokio::spawn(async move {
            let service = TowerToHyperService::new(tower::service_fn(
                move |request: hyper::Request<hyper::body::Incoming>| {
                    service.clone().call(request.map(axum::body::Body::new))
                },
            ));
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS_WITHIN)
                .max_buf_size(HEADER_BYTES_MAX)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "connection");
            }
            drop(permit);
        });
    }
}
