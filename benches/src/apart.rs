//! The bare server's phones, in a process of their own: two crowds of ten thousand are more descriptors than one process
//! may have. It is told one alarm per line on its standard input, has it broadcast, and says on its standard output how
//! long that took to the last phone; it ends with its input.

use crate::broadcast;
use crate::crowd::{Crowd, Door};
use crate::stats::now;
use anyhow::Context;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;
use tokio::task::block_in_place;

/// What it says when all are synced.
const SYNCED: &str = "synced";

/// Is that process: opens so many phones at the bare server on this port, spread over this time.
///
/// # Errors
/// When a phone cannot be opened, or is not told in time.
pub async fn serve(port: u16, phones: usize, over: Duration) -> anyhow::Result<()> {
    let doors: Vec<Door> = (0..phones).map(|_| Door::bare(port)).collect();
    let mut crowd = Crowd::open(&doors, over).await?;
    println!("{SYNCED}");
    let mut alarms = std::io::stdin().lines();
    let mut told = 0;
    while let Some(alarm) = block_in_place(|| alarms.next()) {
        let from = now();
        broadcast::trigger(port, &alarm?).await?;
        told += 1;
        println!("{}", (crowd.last_alarm(told).await? - from).as_secs_f64() * 1e3);
    }
    Ok(())
}

/// The same, from outside. Its process ends with it.
#[derive(Debug)]
pub struct CrowdApart {
    process: Child,
    alarms: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
}

impl CrowdApart {
    /// Starts this program with these arguments, which have it [`serve`], and waits until all are synced.
    ///
    /// # Errors
    /// When it does not start, or a phone cannot be opened.
    pub fn open(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the phones of the bare server")?;
        let alarms = process.stdin.take().context("its input is not there")?;
        let said = BufReader::new(process.stdout.take().context("its output is not there")?).lines();
        let mut crowd = Self { process, alarms, said };
        let line = crowd.line()?;
        anyhow::ensure!(line == SYNCED, "the phones of the bare server say {line:?}");
        Ok(crowd)
    }

    /// How long this alarm, one line of text, takes to the last phone: milliseconds.
    ///
    /// # Errors
    /// When somebody was not told in time.
    pub fn tell(&mut self, alarm: &str) -> anyhow::Result<f64> {
        writeln!(self.alarms, "{alarm}")?;
        Ok(self.line()?.parse()?)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let said = block_in_place(|| self.said.next());
        Ok(said.context("the phones of the bare server have ended; they say why above")??)
    }
}

impl Drop for CrowdApart {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
