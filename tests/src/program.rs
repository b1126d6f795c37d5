//! A program that a test started: ended when the test is over, however that comes; its words are kept in a file.

use crate::deadline::{PATIENCE, within};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Lines of a program's output that a failed test shows.
const TAIL_LINES: usize = 60;

/// A running program.
#[derive(Debug)]
pub struct Program {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it, both output streams appended to `log`.
    ///
    /// # Panics
    /// When it cannot be started; `hint` says what to do.
    pub fn start(command: &mut Command, name: &'static str, log: &Path, hint: &str) -> Self {
        let out = append(log);
        let err = out.try_clone().expect("a file can be opened twice");
        let started = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = started.unwrap_or_else(|error| panic!("{name} does not start: {error}; {hint}"));
        Self { name, child, log: log.to_path_buf() }
    }

    /// As `kill -9`, and waits for the end.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn kill(&mut self) {
        self.child.kill().expect("our own child can be killed");
        self.child.wait().expect("a killed child ends");
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the program has ended.
    pub fn signal(&self, signal: Signal) {
        self.pid().signal(signal).unwrap_or_else(|error| panic!("{} has ended: {error}", self.name));
    }

    /// A handle that can kill it from another thread.
    ///
    /// # Panics
    /// Never: a child has a process id.
    pub fn pid(&self) -> Handle {
        let id = i32::try_from(self.child.id()).expect("process ids are small");
        Handle(Pid::from_raw(id).expect("not zero"))
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn wait(&mut self) -> ExitStatus {
        let what = format!("{} ends", self.name);
        within(PATIENCE, &what, || self.child.try_wait().expect("our own child can be asked"))
    }

    /// Has it ended by itself?
    ///
    /// # Panics
    /// Never: our own child can be asked.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our own child can be asked")
    }

    /// Everything it said so far, over all starts that share the log.
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
            eprintln!("---- {} said last ----\n{tail}\n----", self.name);
        }
    }
}

/// A process by its id. Valid while its [`Program`] was not waited for.
#[derive(Debug, Clone, Copy)]
pub struct Handle(Pid);

impl Handle {
    /// As `kill -9`.
    pub fn kill(self) {
        // It may have ended already: that is what was wanted.
        let _ = self.signal(Signal::KILL);
    }

    fn signal(self, signal: Signal) -> rustix::io::Result<()> {
        kill_process(self.0, signal)
    }
}

fn append(log: &Path) -> File {
    let opened = OpenOptions::new().create(true).append(true).open(log);
    opened.unwrap_or_else(|error| panic!("{}: {error}", log.display()))
}

/// A free port of loopback, outside of the range from which the system takes ports for outgoing connections: a
/// program that is started again finds its port still free.
///
/// # Panics
/// When nothing is free.
pub fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    const RANGE: std::ops::Range<u16> = 11_000..31_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests run in processes of their own: each begins somewhere else.
    let start = (std::process::id() % 500) as u16 * 40;
    let found = (0..RANGE.len() as u16).find_map(|_| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = RANGE.start + (start.wrapping_add(step)) % RANGE.len() as u16;
        std::net::TcpListener::bind(("127.0.0.1", port)).ok().map(|_| port)
    });
    found.expect("a port is free on loopback")
}
