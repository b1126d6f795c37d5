//! A real mosquitto on a free loopback port, with the configuration and the rights of `deploy/`.

use crate::deadline::eventually;
use crate::program::{Program, free_port};
use rustix::process::Signal;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Whom the gateway is to the broker, and what stands for all sensors and bridges of a test.
const USERS: [&str; 2] = ["gateway", "sensors"];
const HINT: &str = "apt install mosquitto mosquitto-clients";

/// A broker and its folder; ended when dropped.
#[derive(Debug)]
pub struct Mosquitto {
    program: Program,
    folder: TempDir,
    /// Where it listens on loopback.
    pub port: u16,
}

impl Mosquitto {
    /// Starts one with the files of `deploy/`, the port replaced, and a user that may write everything and read commands.
    ///
    /// # Panics
    /// When mosquitto is not installed or does not come up.
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
        let read = |name: &str| std::fs::read_to_string(deploy.join(name)).expect("a file of deploy/");
        let port = free_port();
        let shipped = "listener 1883 127.0.0.1";
        let conf = read("mosquitto.conf");
        assert!(conf.contains(shipped), "deploy/mosquitto.conf has no line {shipped:?} any more");
        // Started as root, mosquitto would change to a user that may not write here.
        let conf = format!("{}\nuser root\n", conf.replace(shipped, &format!("listener {port} 127.0.0.1")));
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("a file can be written");
        };
        write("mosquitto.conf", &conf);
        write(
            "mosquitto.acl",
            &format!("{}\nuser sensors\ntopic write #\ntopic read wanglou/v1/cmd/#\n", read("mosquitto.acl")),
        );
        write("passwd", "");
        USERS.iter().for_each(|user| add_user(&folder.path().join("passwd"), user));
        let program = spawn(folder.path());
        let broker = Self { program, folder, port };
        broker.wait();
        broker
    }

    /// As `kill -9`: what it had only in memory is gone. Starts again in the same folder with [`Self::restart`].
    pub fn kill(&mut self) {
        self.program.kill();
    }

    /// Starts it again.
    pub fn restart(&mut self) {
        self.program = spawn(self.folder.path());
        self.wait();
    }

    /// Forgets sessions and what was queued in them; to be called while it does not run.
    ///
    /// # Panics
    /// When it had saved nothing.
    pub fn forget(&self) {
        std::fs::remove_file(self.folder.path().join("mosquitto.db")).expect("the broker saved its sessions");
    }

    /// Asks it to end, so that it saves its sessions, and waits.
    pub fn stop(&mut self) {
        self.program.signal(Signal::TERM);
        self.program.wait();
    }

    /// Stands still, with every connection open.
    pub fn freeze(&self) {
        self.program.signal(Signal::STOP);
    }

    /// Goes on.
    pub fn thaw(&self) {
        self.program.signal(Signal::CONT);
    }

    /// Its log.
    pub fn log(&self) -> String {
        self.program.log()
    }

    /// How often a client with this id has connected.
    pub fn connects_of(&self, client: &str) -> usize {
        let wanted = format!(" as {client} (");
        self.log()
            .lines()
            .filter(|line| line.contains("New client connected") && line.contains(&wanted))
            .count()
    }

    /// Publishes with Debian's client at QoS 1, and waits for the broker's PUBACK.
    ///
    /// # Panics
    /// When the broker does not take it.
    pub fn publish(&self, topic: &str, payload: &[u8]) {
        self.publish_at("1", topic, payload);
    }

    /// The same at QoS 0, as many bridges do unless they are told otherwise.
    ///
    /// # Panics
    /// When the broker cannot be reached.
    pub fn publish_qos0(&self, topic: &str, payload: &[u8]) {
        self.publish_at("0", topic, payload);
    }

    /// A controller that is always there: what it gets under this filter stands in its log, topic and payload on a line.
    ///
    /// # Panics
    /// When mosquitto_sub is not installed.
    pub fn controller(&self, client: &str, filter: &str) -> Program {
        let program = self.subscriber(client, "sensors", &["-c", "-F", "%t %p", "-t", filter]);
        eventually("the controller is connected", || (self.connects_of(client) == 1).then_some(()));
        program
    }

    fn publish_at(&self, qos: &str, topic: &str, payload: &[u8]) {
        let file = self.folder.path().join("payload");
        std::fs::write(&file, payload).expect("a file can be written");
        let mut command = Command::new("mosquitto_pub");
        command.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-u",
            "sensors",
            "-P",
            &password("sensors"),
        ]);
        command.args(["-q", qos, "-t", topic]);
        // A file of length zero is refused by the client; there is an option of its own for that.
        if payload.is_empty() {
            command.arg("-n")
        } else {
            command.arg("-f").arg(&file)
        };
        let status = command.stdout(Stdio::null()).status().expect(HINT);
        assert!(status.success(), "mosquitto_pub to {topic} ended with {status}");
    }

    /// Hears everything under these filters from now on, by a client of its own with the gateway's rights: what is retained
    /// first. Each line: `1` if it was retained, the topic, the payload.
    ///
    /// # Panics
    /// When mosquitto_sub is not installed.
    pub fn listen(&self, name: &str, filters: &[&str]) -> Program {
        let named = filters.iter().flat_map(|filter| ["-t", *filter]);
        let options: Vec<&str> = ["-F", "%r %t %p"].into_iter().chain(named).collect();
        self.subscriber(name, "gateway", &options)
    }

    fn subscriber(&self, client: &str, user: &str, options: &[&str]) -> Program {
        let mut command = Command::new("mosquitto_sub");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-q", "1", "-i", client]);
        command.args(["-u", user, "-P", &password(user)]).args(options);
        Program::start(&mut command, "mosquitto_sub", &self.folder.path().join(client), HINT)
    }

    /// Files with the gateway's user and password, for its configuration.
    pub fn gateway_login(&self) -> (PathBuf, PathBuf) {
        let write = |name: &str, text: String| {
            let path = self.folder.path().join(name);
            std::fs::write(&path, text).expect("a file can be written");
            path
        };
        (
            write("gateway.user", "gateway\n".into()),
            write("gateway.password", format!("{}\n", password("gateway"))),
        )
    }

    fn wait(&self) {
        eventually("mosquitto opens its port", || TcpStream::connect(("127.0.0.1", self.port)).ok());
    }
}

/// The password of a user of the tests.
fn password(user: &str) -> String {
    user.chars().rev().collect()
}

fn add_user(file: &Path, user: &str) {
    let mut command = Command::new("mosquitto_passwd");
    let added = command.arg("-b").arg(file).args([user, &password(user)]).stderr(Stdio::null()).status();
    assert!(added.expect(HINT).success(), "mosquitto_passwd takes {user}");
}

fn spawn(folder: &Path) -> Program {
    // Debian has it among the daemons, which an ordinary user's path leaves out.
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("mosquitto");
    command.env("PATH", path).args(["-c", "mosquitto.conf"]).current_dir(folder);
    Program::start(&mut command, "mosquitto", &folder.join("log"), HINT)
}
