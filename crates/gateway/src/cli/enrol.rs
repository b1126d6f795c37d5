//! `wanglou enrol`: a phone joins.

use super::{Ended, local};
use crate::cli::say::tell;
use clap::Args as ClapArgs;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use std::path::PathBuf;

/// Make a one-time link, and its QR code, with which a phone logs in as an officer.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  wanglou enrol --config config/gateway.toml --officer wu\n  wanglou enrol --config config/gateway.toml --officer wu --minutes 10"
)]
pub struct Args {
    /// The file of the gateway that runs on this machine.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The officer's id, as in officers.toml.
    #[arg(long, value_name = "ID")]
    officer: String,
    /// For how long the link can be used.
    #[arg(long, default_value_t = 24 * 60)]
    minutes: u32,
}

impl Args {
    /// Asks the gateway and prints.
    ///
    /// # Errors
    /// When no gateway runs, or the officer is unknown.
    pub async fn run(self) -> anyhow::Result<Ended> {
        let body = serde_json::json!({"officer": self.officer, "minutes": self.minutes});
        let answer = local::post(&self.config, "/api/local/enrol", &body).await?;
        let link = answer["link"].as_str().unwrap_or_default();
        tell!("{}", qr(link)?);
        tell!("{link}");
        tell!(
            "Scan it with the phone of {}, or open the link there. It works once, for {} minutes.",
            self.officer,
            self.minutes
        );
        tell!(
            "用 {} 的手机扫码，或在手机上打开此链接。只能用一次，{} 分钟内有效。",
            self.officer,
            self.minutes
        );
        Ok(Ended::Well)
    }
}

/// A QR code for a terminal, two rows of modules to a line.
///
/// # Errors
/// When the text is longer than a code can hold.
pub fn qr(text: &str) -> anyhow::Result<String> {
    let code = QrCode::new(text)?;
    Ok(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}
