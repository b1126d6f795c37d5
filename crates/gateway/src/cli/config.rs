//! `wanglou config`: what each key of the gateway's file means.

use super::Ended;
use crate::cli::say::{out, remark};
use crate::configuration::{environment, keys};
use clap::Args as ClapArgs;
use std::io::Write;

/// Explain the keys of gateway.toml and the variables that stand above them.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  wanglou config                          every key with its default
  wanglou config --explain mqtt.port      what it is, default, unit, range, variable
  wanglou config --explain backup         all keys of a table

Exit code 1 when there is no such key.")]
pub struct Args {
    /// The key, or a table.
    #[arg(long, value_name = "KEY")]
    explain: Option<String>,
}

impl Args {
    /// Prints what was asked for.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn run(self) -> anyhow::Result<Ended> {
        let mut out = out();
        let Some(asked) = self.explain else {
            for key in keys::KEYS {
                writeln!(out, "{:<32} {}", key.path, keys::default_of(key.path).unwrap_or_default())?;
            }
            writeln!(out)?;
            for variable in environment::VARIABLES {
                writeln!(out, "{:<32} {} ({})", variable.name, variable.keys, variable.what)?;
            }
            return Ok(Ended::Well);
        };
        let found = keys::find(&asked);
        if found.is_empty() {
            let like = keys::like(&asked);
            let hint = if like.is_empty() {
                "`wanglou config` lists all".to_owned()
            } else {
                format!("did you mean {}?", like.join(", "))
            };
            remark!("there is no key {asked}: {hint}");
            return Ok(Ended::Faulty);
        }
        for key in found {
            writeln!(out, "{}\n    {}", key.path, key.what)?;
            let default = keys::default_of(key.path).unwrap_or_else(|| "none".to_owned());
            writeln!(out, "    default  {default}\n    unit     {}", key.unit)?;
            if !key.range.is_empty() {
                writeln!(out, "    range    {}", key.range)?;
            }
            let variables = environment::VARIABLES.iter();
            for variable in variables.filter(|variable| variable.keys.split(", ").any(|of| of == key.path)) {
                writeln!(out, "    variable {}", variable.name)?;
            }
        }
        Ok(Ended::Well)
    }
}
