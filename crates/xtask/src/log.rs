//! Runs one step's programs with their output in a file, and shows a sign of life meanwhile.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A command that runs longer than this is ended: a hung one must not eat the whole run.
const LIMIT: Duration = Duration::from_secs(35 * 60);
/// The same for long forms that a person asked for.
const LIMIT_FULL: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a program that was asked to end may take for it.
const GRACE: Duration = Duration::from_secs(10);
/// How often a sign of life is written where lines cannot be overwritten.
const HEARTBEAT_PLAIN: Duration = Duration::from_secs(30);
/// How often the line of a terminal is rewritten.
const HEARTBEAT_TERMINAL: Duration = Duration::from_millis(500);
/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(25);
/// Lines of a failing step that are shown; the file has all of them.
const TAIL_LINES: usize = 200;
/// Columns of a sign of life.
const COLUMNS: usize = 100;

/// The log of one step, and its label.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    label: String,
    started: Instant,
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// What it wrote, both streams in the order of arrival.
    pub(crate) output: String,
}

impl Log {
    /// Starts an empty log file; `label` stands before each sign of life.
    pub(crate) fn create(path: PathBuf, label: String) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        }
        File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self { path, label, started: now() })
    }

    /// Runs a program to its end without standard input. An error means that it could not be
    /// started or had to be ended; its exit status is the caller's to judge.
    pub(crate) fn run(&self, command: &mut Command) -> Result<Done> {
        self.run_within(command, LIMIT)
    }

    /// The same, for long forms: they may take a day.
    pub(crate) fn run_full(&self, command: &mut Command) -> Result<Done> {
        self.run_within(command, LIMIT_FULL)
    }

    fn run_within(&self, command: &mut Command, limit: Duration) -> Result<Done> {
        let mut file = OpenOptions::new().append(true).read(true).open(&self.path)?;
        writeln!(file, "$ {}", shown(command))?;
        let from = file.seek(SeekFrom::End(0))?;
        let mut child = command
            .env("NO_COLOR", "1")
            .env("CARGO_TERM_COLOR", "never")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file.try_clone()?)
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        let status = self.wait(&mut child, limit, &shown(command))?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Done { status, output: String::from_utf8_lossy(&bytes).into_owned() })
    }

    /// Runs a program that must succeed.
    pub(crate) fn must(&self, command: &mut Command) -> Result<String> {
        let done = self.run(command)?;
        if !done.status.success() {
            bail!("`{}` failed ({})", shown(command), done.status);
        }
        Ok(done.output)
    }

    /// The last lines written, or nothing.
    pub(crate) fn tail(&self) -> String {
        let text = std::fs::read(&self.path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Where the log lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Time since the step began.
    pub(crate) fn elapsed(&self) -> Duration {
        now().duration_since(self.started)
    }

    fn wait(&self, child: &mut Child, limit: Duration, what: &str) -> Result<ExitStatus> {
        let every = if std::io::stdout().is_terminal() { HEARTBEAT_TERMINAL } else { HEARTBEAT_PLAIN };
        let began = now();
        let mut beat = began;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if now().duration_since(began) > limit {
                end(child)?;
                bail!("`{what}` ran longer than {} and was ended", brief(limit));
            }
            if now().duration_since(beat) >= every {
                beat = now();
                self.beat();
            }
            std::thread::sleep(POLL);
        }
    }

    fn beat(&self) {
        let tail = self.tail();
        let last = tail.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let line = format!("{} … {}  {}", self.label, brief(self.elapsed()), last.trim());
        let line: String = line.chars().filter(|c| !c.is_control()).take(COLUMNS).collect();
        let mut out = std::io::stdout();
        let end = if out.is_terminal() { "" } else { "\n" };
        let start = if out.is_terminal() { CLEAR_LINE } else { "" };
        // A closed terminal must not stop the run.
        let _ = write!(out, "{start}{line}{end}").and_then(|()| out.flush());
    }
}

/// Asks a program to end, so that it can end its own children, and ends it if it does not.
fn end(child: &mut Child) -> Result<()> {
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().context("starting kill")?;
    let asked = now();
    while now().duration_since(asked) < GRACE {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        std::thread::sleep(POLL);
    }
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// Puts the cursor at the start of an emptied line.
pub(crate) const CLEAR_LINE: &str = "\r\x1b[K";

/// The command as a person would type it, without its environment.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or(program.as_os_str()).to_string_lossy()];
    words.extend(command.get_args().map(|word| word.to_string_lossy()));
    words.join(" ")
}

/// `4.2 s` below a minute, `3m07s` above.
pub(crate) fn brief(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        return format!("{:.1} s", time.as_secs_f64());
    }
    format!("{}m{:02}s", seconds / 60, seconds % 60)
}

/// The one place where xtask reads a clock.
#[expect(
    clippy::disallowed_methods,
    reason = "how long a build step took is told to a person; nothing decides by it"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(name: &str) -> Log {
        let folder = std::env::temp_dir().join(format!("wanglou-xtask-{}", std::process::id()));
        Log::create(folder.join(name), String::new()).expect("a log in the temporary folder")
    }

    #[test]
    fn times_read_as_people_say_them() {
        assert_eq!(brief(Duration::from_millis(4_230)), "4.2 s");
        assert_eq!(brief(Duration::from_secs(187)), "3m07s");
    }

    #[test]
    fn both_streams_and_the_status_of_a_program_are_kept() {
        let log = log("both");
        let done =
            log.run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"])).expect("sh runs");
        assert_eq!(done.status.code(), Some(3));
        assert_eq!(done.output, "out\nerr\n");
        assert!(log.tail().starts_with("$ sh -c"));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error =
            log("none").run(&mut Command::new("wanglou-no-such-program")).expect_err("no such program");
        assert!(error.to_string().contains("wanglou-no-such-program"));
    }

    #[test]
    fn a_program_that_hangs_is_asked_to_end() {
        let log = log("hangs");
        let mut command = Command::new("sh");
        command.args(["-c", "trap 'echo asked; exit 1' TERM; while :; do sleep 0.01; done"]);
        let error = log.run_within(&mut command, Duration::from_millis(200)).expect_err("it hangs");
        assert!(error.to_string().contains("was ended"));
        assert!(log.tail().ends_with("asked"));
    }
}
