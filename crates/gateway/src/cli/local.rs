//! Talking to the gateway that runs on this machine: whoever can read its data directory may.

use super::pinned;
use crate::configuration::GatewayFile;
use crate::run::LOCAL_SECRET_FILE;
use anyhow::{Context, bail};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where the gateway of a configuration listens and keeps its data.
pub(super) struct Place {
    /// Its address.
    pub(super) listen: SocketAddr,
    /// Its data directory.
    pub(super) data: PathBuf,
    /// Its certificate's file, where it speaks https.
    pub(super) certificate: Option<PathBuf>,
}

impl Place {
    /// What a gateway's file says of it; the rest of the configuration may have faults.
    pub(super) fn of(config: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(config)
            .with_context(|| format!("{} cannot be read", config.display()))?;
        let gateway = GatewayFile::parse(&config.display().to_string(), &text)
            .map_err(|fault| anyhow::anyhow!("{fault}"))?;
        let folder = config.parent().unwrap_or(Path::new(""));
        let certificate = gateway.http.tls(folder).map(|(cert, _)| cert);
        Ok(Self { listen: gateway.http.listen, data: folder.join(&gateway.data), certificate })
    }

    /// Whether a gateway answers here.
    pub(super) async fn is_running(&self) -> bool {
        self.data.join(LOCAL_SECRET_FILE).exists()
            && tokio::net::TcpStream::connect(loopback(self.listen)).await.is_ok()
    }

    /// How it is asked on this machine, without a slash at the end.
    pub(super) fn origin(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", loopback(self.listen))
    }

    /// A client that speaks with it. Its certificate carries the public name and not this machine's address: it is
    /// known by its file instead.
    pub(super) fn client(&self) -> anyhow::Result<reqwest::Client> {
        let builder = reqwest::Client::builder().no_proxy();
        Ok(match &self.certificate {
            None => builder.build()?,
            Some(file) => builder.tls_backend_preconfigured(pinned::config(file)?).build()?,
        })
    }

    /// Posts to it.
    pub(super) async fn post(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> anyhow::Result<serde_json::Value> {
        let file = self.data.join(LOCAL_SECRET_FILE);
        let secret = std::fs::read_to_string(&file).with_context(|| {
            format!("{} cannot be read: is the gateway running, and are you its user?", file.display())
        })?;
        let address = loopback(self.listen);
        let request = self
            .client()?
            .post(format!("{}{path}", self.origin()))
            .header("x-wanglou-local", secret.trim())
            .header("content-type", "application/json")
            .body(serde_json::to_vec(body)?);
        let response = request
            .send()
            .await
            .with_context(|| format!("no gateway answers on {address}: start it first"))?;
        let status = response.status();
        let answer: serde_json::Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        if !status.is_success() {
            let words = answer["text"]["en"].as_str().unwrap_or("the gateway refused");
            let faults = answer["faults"].as_array().into_iter().flatten().filter_map(|fault| fault.as_str());
            let lines: Vec<&str> = std::iter::once(words).chain(faults).collect();
            bail!("{}", lines.join("\n  "));
        }
        Ok(answer)
    }
}

/// An address that listens everywhere is asked on this machine.
fn loopback(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// Posts to the gateway of this configuration.
pub(super) async fn post(
    config: &Path,
    path: &str,
    body: &serde_json::Value,
) -> anyhow::Result<serde_json::Value> {
    Place::of(config)?.post(path, body).await
}
