//! `wanglou doctor`: is everything around the gateway as it must be?

use super::Ended;
use crate::cli::say::out;
use crate::doctor::{Extra, Level, look, worst};
use clap::{Args as ClapArgs, ValueEnum};
use std::io::Write;
use std::path::PathBuf;

/// Look at clock, disk, limits, broker and its access list, certificates, push keys, people and backups, and say what to do.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  sudo -u wanglou wanglou doctor --config /etc/wanglou/gateway.toml
  wanglou doctor --config config/gateway.toml --lang zh
  wanglou doctor --config config/gateway.toml --device-user-file cover-7.user --device-password-file cover-7.password

Each line says ok, warn or fault, and what to do. Exit code 1 if anything is a fault. Run it as the gateway's user, the
gateway running. It connects to the broker by client ids of its own, publishes one message under a topic that nobody may
write, and writes one small file into the data directory, which it removes.")]
pub struct Args {
    /// The gateway's file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// In which language.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    lang: Lang,
    /// Holds a device's user at the broker: can it speak for its neighbour?
    #[arg(long, value_name = "FILE", requires = "device_password_file")]
    device_user_file: Option<PathBuf>,
    /// Holds its password.
    #[arg(long, value_name = "FILE", requires = "device_user_file")]
    device_password_file: Option<PathBuf>,
}

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lang {
    /// English.
    En,
    /// 简体中文
    Zh,
}

impl Args {
    /// Prints what was found.
    ///
    /// # Errors
    /// When standard output is gone.
    pub async fn run(self) -> anyhow::Result<Ended> {
        let extra = Extra { device: self.device_user_file.zip(self.device_password_file) };
        let found = look(&self.config, &extra).await;
        let mut out = out();
        for finding in &found {
            let said = |text: &wanglou_model::Text| {
                if self.lang == Lang::Zh { text.zh.clone() } else { text.en.clone() }
            };
            writeln!(out, "{:<5} {}", finding.level.name(), said(&finding.found))?;
            if finding.level > Level::Ok {
                writeln!(out, "      → {}", said(&finding.todo))?;
            }
        }
        Ok(if worst(&found) == Level::Fault { Ended::Faulty } else { Ended::Well })
    }
}
