//! The demo for real phones: which address, which certificate, and what the terminal shows for scanning.

use super::authority::{Authority, vouches_for};
use super::{Args, Reach, trust};
use crate::cli::enrol::qr;
use crate::cli::say::tell;
use crate::clock;
use crate::http;
use anyhow::{Context, bail};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Phones that read the page about trust at once.
const READERS_MAX: usize = 64;

/// Where phones find the demo.
#[derive(Debug)]
pub(super) struct Lan {
    /// The web app, by https.
    pub(super) app: SocketAddr,
    /// The page about trust, by plain http: it is for those who do not trust us yet.
    pub(super) page: SocketAddr,
    /// Certificate and key of the web app.
    pub(super) files: (PathBuf, PathBuf),
    /// SHA-256 of the authority's certificate.
    pub(super) fingerprint: String,
    router: axum::Router,
}

impl Lan {
    /// What `--lan` asks for; `None` without it.
    ///
    /// # Errors
    /// When this machine has no private address, a port is taken, or the authority cannot be used.
    pub(super) fn prepare(args: &Args) -> anyhow::Result<Option<Self>> {
        let Some(reach) = args.lan else { return Ok(None) };
        let address = match reach {
            Reach::At(address) => address,
            Reach::Auto => own_address()?,
        };
        if !vouches_for(address) {
            bail!(
                "--lan: {address} can be reached from outside, and the demo is for private networks only; name a private \
                 address of this machine, such as --lan=192.168.1.5"
            );
        }
        let now = clock::wall();
        let authority = Authority::open(&args.data.join("ca"), now)?;
        let app = free(SocketAddr::new(address, args.https_port), "--https-port")?;
        let page = free(SocketAddr::new(address, args.http.port()), "--http")?;
        // The configuration lies beside the authority: its paths are made absolute, wherever the demo was started.
        let (cert, key) = authority.certify(address, now)?;
        let files = (std::path::absolute(cert)?, std::path::absolute(key)?);
        let fingerprint = authority.fingerprint();
        let router = trust::router(&format!("https://{app}"), authority.certificate(), &fingerprint);
        Ok(Some(Self { app, page, files, fingerprint, router }))
    }

    /// Serves the page about trust until `stopping`.
    ///
    /// # Errors
    /// When its address is taken.
    pub(super) async fn serve(&self, stopping: watch::Receiver<bool>) -> anyhow::Result<()> {
        let listener: TcpListener = http::bind(self.page).await?;
        tokio::spawn(http::serve(listener, self.router.clone(), READERS_MAX, None, stopping));
        Ok(())
    }

    /// What the terminal shows: two codes, to trust and to log in.
    ///
    /// # Errors
    /// Never for links of ordinary length.
    pub(super) fn tell(&self, officer: &str, link: &str) -> anyhow::Result<()> {
        let page = format!("http://{}/", self.page);
        tell!("\nWith a phone in the same network 同一局域网的手机：");
        tell!(
            "\n1. Scan and follow the page: how to trust the demo. 扫码，按页面说明信任本演示。\n\n{}",
            qr(&page)?
        );
        tell!(
            "   {page}\n   The page shows a fingerprint; it must be this one 核对指纹：\n   {}",
            self.fingerprint
        );
        tell!(
            "\n2. Scan: log in as {officer}. It works once. 扫码登录，只能用一次。\n\n{}\n   {link}",
            qr(link)?
        );
        tell!(
            "\nEverybody in this network can open the page and the log-in screen, nothing else without a link. Take the \
             authority off the phone afterwards; the page says how."
        );
        Ok(())
    }
}

/// This machine's address in its own network. Nothing is sent: the system is asked how it would reach another one.
fn own_address() -> anyhow::Result<IpAddr> {
    let asked = UdpSocket::bind(("0.0.0.0", 0)).and_then(|socket| {
        socket.connect(("192.0.2.1", 9))?;
        socket.local_addr()
    });
    let address =
        asked.context("--lan: this machine has no network; name its address, such as --lan=192.168.1.5")?;
    Ok(address.ip())
}

/// The same address with a port that is free.
fn free(address: SocketAddr, option: &str) -> anyhow::Result<SocketAddr> {
    let bound = std::net::TcpListener::bind(address).with_context(|| {
        format!(
            "{address} cannot be had; is it an address of this machine? Another port is named with {option}"
        )
    })?;
    Ok(bound.local_addr()?)
}
