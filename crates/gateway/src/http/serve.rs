//! The listener: a limit on connections, and a time-out for those who do not finish their headers. With TLS it speaks
//! HTTP/2 to those who offer it; browsers open WebSockets beside it, by HTTP/1.1.

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

/// A connection that has not sent its headers after this time, or not finished its handshake, is closed.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// The largest headers, bytes.
const HEADER_BYTES_MAX: usize = 16 << 10;
/// Requests at once on one connection of HTTP/2.
const STREAMS_MAX: u32 = 64;
/// A connection of HTTP/2 is asked whether it lives this often, and closed when it does not answer in time.
const ASK_EVERY: Duration = Duration::from_secs(30);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
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

/// Serves until `stopping` turns true, with TLS where there is an acceptor. At the limit of connections new ones wait
/// in the system's queue.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    tls: Option<TlsAcceptor>,
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
        let (router, tls) = (router.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => over_http1(stream, router).await,
                Some(tls) => over_tls(stream, router, tls).await,
            }
            drop(permit);
        });
    }
}

async fn over_tls(stream: TcpStream, router: Router, tls: TlsAcceptor) {
    let stream = match tokio::time::timeout(HEADERS_WITHIN, tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "handshake"),
        Err(_) => return tracing::debug!("no handshake in time"),
    };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        over_http2(stream, router).await;
    } else {
        over_http1(stream, router).await;
    }
}

async fn over_http1(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let service =
        TowerToHyperService::new(tower::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            router.clone().call(request.map(axum::body::Body::new))
        }));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "connection");
    }
}

async fn over_http2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let service =
        TowerToHyperService::new(tower::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            router.clone().call(request.map(axum::body::Body::new))
        }));
    let served = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX as u32)
        .keep_alive_interval(ASK_EVERY)
        .keep_alive_timeout(ANSWER_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "connection");
    }
}
