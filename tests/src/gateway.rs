//! The gateway as a program: started, killed, stopped, asked.

use crate::compound::Compound;
use crate::deadline::{PATIENCE, eventually};
use crate::http::{Answer, Ask};
use crate::phone::Session;
use crate::program::{Handle, Program};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};

const HINT: &str = "build it (cargo build -p wanglou-gateway), or set WANGLOU_BIN";

/// A gateway and its compound; ended when dropped.
#[derive(Debug)]
pub struct Gateway {
    program: Program,
    /// Its configuration and data.
    pub compound: Compound,
    flags: Vec<String>,
    env: Vec<(String, String)>,
}

impl Gateway {
    /// Starts one and waits until it is ready.
    pub fn start(compound: Compound) -> Self {
        Self::start_with(compound, &[])
    }

    /// The same with more arguments for `wanglou run`.
    pub fn start_with(compound: Compound, flags: &[&str]) -> Self {
        Self::start_in(compound, flags, &[])
    }

    /// The same with an environment, as a service manager would give it.
    pub fn start_in(compound: Compound, flags: &[&str], env: &[(&str, &str)]) -> Self {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let program = spawn(&compound, &flags, &env);
        let gateway = Self { program, compound, flags, env };
        gateway.wait_ready();
        gateway
    }

    /// Starts one and does not ask whether it is ready: it may speak https.
    pub fn start_unasked(compound: Compound) -> Self {
        let program = spawn(&compound, &[], &[]);
        Self { program, compound, flags: Vec::new(), env: Vec::new() }
    }

    /// As `kill -9`.
    pub fn kill(&mut self) {
        self.program.kill();
    }

    /// Waits for the end of a gateway that somebody else killed.
    pub fn reap(&mut self) {
        self.program.wait();
    }

    /// Stops it in order.
    ///
    /// # Panics
    /// When it does not end well.
    pub fn stop(&mut self) {
        self.program.signal(Signal::TERM);
        let status = self.program.wait();
        assert!(status.success(), "after SIGTERM the gateway ended with {status}");
    }

    /// Starts it again after it ended, and waits until it is ready.
    pub fn restart(&mut self) {
        self.program = spawn(&self.compound, &self.flags, &self.env);
        self.wait_ready();
    }

    /// Asks it to read its configuration anew.
    pub fn hang_up(&self) {
        self.program.signal(Signal::HUP);
    }

    /// Stands still, with every connection open.
    pub fn freeze(&self) {
        self.program.signal(Signal::STOP);
    }

    /// Goes on.
    pub fn thaw(&self) {
        self.program.signal(Signal::CONT);
    }

    /// For killing it from another thread.
    pub fn handle(&self) -> Handle {
        self.program.pid()
    }

    /// What it logged, over all starts.
    pub fn log(&self) -> String {
        self.program.log()
    }

    /// A GET without a session.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn get(&self, path: &str) -> Answer {
        Ask::get(path).send(self.compound.http_port).expect("the gateway answers")
    }

    /// Waits until it takes messages in, and its backlog is drained.
    pub fn wait_ready(&self) {
        eventually("the gateway is ready", || {
            Ask::get("/readyz").send(self.compound.http_port).ok().filter(|answer| answer.status == 200)
        });
    }

    /// An enrolment token for an officer.
    ///
    /// # Panics
    /// When the gateway makes none.
    pub fn invite(&self, officer: &str) -> String {
        let secret =
            std::fs::read_to_string(self.compound.data().join("local-secret")).expect("the local secret");
        let ask =
            Ask::post("/api/local/enrol", &json!({"officer": officer})).header("x-wanglou-local", &secret);
        let answer = ask.send(self.compound.http_port).expect("the gateway answers");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["token"].as_str().expect("a token").to_owned()
    }

    /// Logs an officer in on a new phone.
    ///
    /// # Panics
    /// When the gateway does not let them.
    pub fn enrol(&self, officer: &str) -> Session {
        let answer = self.redeem(&self.invite(officer));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["officer"]["id"], officer);
        Session::from(&answer, self.compound.http_port)
    }

    /// Uses an enrolment token, as the page does after a tap.
    ///
    /// # Panics
    /// When the gateway does not answer.
    pub fn redeem(&self, token: &str) -> Answer {
        redeem(self.compound.http_port, token)
    }

    /// The sum of a metric over all label sets that contain each of `labels`, such as `kind="contact"`.
    ///
    /// # Panics
    /// When the metrics page does not answer.
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let page = Ask::get("/metrics").send(self.compound.metrics_port).expect("the metrics answer").text();
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        let mine = lines.filter(|line| line.split(['{', ' ']).next() == Some(name));
        let matching = mine.filter(|line| labels.iter().all(|label| line.contains(label)));
        matching.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// The admin page's data.
    ///
    /// # Panics
    /// When the session is not an admin's.
    pub fn overview(&self, admin: &Session) -> Value {
        let answer = admin.get("/api/admin/overview");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Waits until something can be found in the admin page's data.
    pub fn overview_shows<T>(
        &self,
        admin: &Session,
        what: &str,
        mut look: impl FnMut(&Value) -> Option<T>,
    ) -> T {
        eventually(what, || look(&self.overview(admin)))
    }
}

fn spawn(compound: &Compound, flags: &[String], env: &[(String, String)]) -> Program {
    let mut command = wanglou(&["run"]);
    command.arg("--config").arg(compound.gateway_file()).args(flags).envs(env.iter().cloned());
    Program::start(&mut command, "the gateway", &compound.beside("gateway.log"), HINT)
}

/// A command line of `wanglou`.
pub fn wanglou(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env_remove("RUST_LOG");
    command
}

/// Runs a command of `wanglou` to its end.
///
/// # Panics
/// When it cannot be started.
pub fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{}: {error}; {HINT}", binary().display()))
}

/// Uses an enrolment token at the gateway that listens on this port.
///
/// # Panics
/// When it does not answer.
pub fn redeem(port: u16, token: &str) -> Answer {
    let ask = Ask::post("/api/enrol", &json!({"token": token, "name": "test"}));
    ask.header("origin", &format!("http://127.0.0.1:{port}")).send(port).expect("the gateway answers")
}

/// Starts a gateway that is expected to refuse, and returns what it said.
///
/// # Panics
/// When it runs.
pub fn refused(compound: &Compound) -> String {
    let mut command = wanglou(&["run"]);
    command.arg("--config").arg(compound.gateway_file());
    let mut program =
        Program::start(&mut command, "the second gateway", &compound.beside("second.log"), HINT);
    let status = crate::deadline::within(PATIENCE, "the second gateway gives up", || program.ended());
    assert!(!status.success(), "it should fail");
    program.log()
}

/// `WANGLOU_BIN`, else what `cargo build` left beside the tests.
fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("WANGLOU_BIN") {
        return path.into();
    }
    // Tests lie in target/debug/deps.
    let own = std::env::current_exe().expect("a test knows where it lies");
    own.ancestors().nth(2).expect("target/debug").join("wanglou")
}
