//! A real mosquitto on a free loopback port, with the configuration and ACL of `deploy/`. Ended when dropped.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;
use tempfile::TempDir;
use wanglou_gateway::mqtt::{Address, BrokerOptions, Login};

/// Users of the test's password file; each one's password is its name backwards.
const USERS: [&str; 4] = ["gateway", "cover-7", "cover-8", "zigbee2mqtt"];

/// A broker and its directory.
pub struct Mosquitto {
    child: Child,
    dir: TempDir,
    pub port: u16,
}

impl Mosquitto {
    /// Starts one with `deploy/mosquitto.conf`, its port replaced.
    pub async fn start() -> Mosquitto {
        Mosquitto::start_with(|conf| conf).await
    }

    /// Starts one with that configuration after `edit`.
    pub async fn start_with(edit: impl FnOnce(String) -> String) -> Mosquitto {
        Mosquitto::start_in(|conf, _| edit(conf)).await
    }

    /// The same, where `edit` may also put files into the broker's directory.
    pub async fn start_in(edit: impl FnOnce(String, &Path) -> String) -> Mosquitto {
        let dir = TempDir::new().expect("a directory");
        let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
        let read = |name: &str| std::fs::read_to_string(deploy.join(name)).expect("a file of deploy/");
        let port = free_port();
        let listener = format!("\nlistener {port} 127.0.0.1");
        // Started as root, mosquitto would change to a user that may not write here; what it calls information tells
        // when it is ready.
        let conf = read("mosquitto.conf").replace("\nlistener 1883 127.0.0.1", &listener)
            + "\nuser root\nlog_type information\n";
        write(dir.path(), "mosquitto.conf", &edit(conf, dir.path()));
        write(dir.path(), "mosquitto.acl", &read("mosquitto.acl"));
        write_passwords(dir.path());
        let child = spawn_ready(dir.path()).await;
        Mosquitto { child, dir, port }
    }

    /// As `kill -9`: what it had only in memory is gone.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end (SIGTERM), so that it saves its database, and waits.
    pub fn terminate(&mut self) {
        let pid = self.child.id().to_string();
        Command::new("kill").arg(&pid).status().expect("kill runs");
        self.child.wait().expect("it ends");
    }

    /// Stops it with SIGSTOP or continues it with SIGCONT.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        Command::new("kill").args([signal, &pid]).status().expect("kill runs");
    }

    /// Starts it again in the same directory.
    pub async fn restart(&mut self) {
        self.child = spawn_ready(self.dir.path()).await;
    }

    /// Forgets sessions and queues; to call while it does not run.
    pub fn forget(&self) {
        std::fs::remove_file(self.path("mosquitto.db")).ok();
    }

    /// Where its files are.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// How to reach it as that user.
    pub fn as_user(&self, user: &str) -> BrokerOptions {
        let mut options = BrokerOptions::new(Address::Tcp { host: "127.0.0.1".into(), port: self.port });
        options.login = Some(self.login(user));
        options
    }

    /// The files that hold a user's name and password.
    pub fn login(&self, user: &str) -> Login {
        let user_file = write(self.dir.path(), &format!("{user}.user"), &format!("{user}\n"));
        let password = format!("{}\n", password_of(user));
        Login { user_file, password_file: write(self.dir.path(), &format!("{user}.password"), &password) }
    }

    /// Publishes with Debian's client, QoS 1; true if it was let in and acknowledged.
    pub fn publish(&self, user: &str, topic: &str, payload: &str) -> bool {
        self.publish_with(user, &["-q", "1", "-t", topic, "-m", payload])
    }

    /// Publishes with Debian's client and these arguments.
    pub fn publish_with(&self, user: &str, arguments: &[&str]) -> bool {
        let mut command = self.client("mosquitto_pub", Some((user, &password_of(user))));
        command.args(arguments).status().expect("mosquitto_pub runs").success()
    }

    /// Publishes each line as one message at QoS 1, over one connection, in order.
    pub fn publish_lines(&self, user: &str, topic: &str, lines: &[String]) {
        let mut command = self.client("mosquitto_pub", Some((user, &password_of(user))));
        command.args(["-q", "1", "-t", topic, "-l"]).stdin(Stdio::piped());
        let mut child = command.spawn().expect("mosquitto_pub runs");
        let mut input = child.stdin.take().expect("piped");
        for line in lines {
            writeln!(input, "{line}").expect("it reads");
        }
        drop(input);
        assert!(child.wait().expect("it ends").success());
    }

    /// Publishes one message at QoS 1 with that log-in; true if it was let in.
    pub fn publish_as(&self, login: Option<(&str, &str)>, topic: &str) -> bool {
        let mut command = self.client("mosquitto_pub", login);
        command.args(["-q", "1", "-t", topic, "-m", "x"]).status().expect("mosquitto_pub runs").success()
    }

    /// Leaves a session with this subscription under this client id.
    pub fn subscribe_once_and_leave(&self, user: &str, client_id: &str, filter: &str, qos: &str) {
        let mut command = self.client("mosquitto_sub", Some((user, &password_of(user))));
        // -E: leave once subscribed.
        command.args(["-c", "-E", "-i", client_id, "-t", filter, "-q", qos]);
        assert!(command.status().expect("mosquitto_sub runs").success());
    }

    /// Removes a client's session, as `deploy/README.md` says.
    pub fn drop_session(&self, user: &str, client_id: &str) {
        let mut command = self.client("mosquitto_sub", Some((user, &password_of(user))));
        assert!(
            command.args(["-i", client_id, "-t", "x", "-E"]).status().expect("mosquitto_sub runs").success()
        );
    }

    fn client(&self, program: &str, login: Option<(&str, &str)>) -> Command {
        let mut command = Command::new(program);
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]).stderr(Stdio::null());
        if let Some((user, password)) = login {
            command.args(["-u", user, "-P", password]);
        }
        command
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The password of a test's user.
pub fn password_of(user: &str) -> String {
    user.chars().rev().collect()
}

/// Writes a file and returns its path. Nobody sees half of it.
pub fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let (path, unfinished) = (dir.join(name), dir.join(format!("{name}.unfinished")));
    std::fs::write(&unfinished, text).expect("a file can be written");
    std::fs::rename(&unfinished, &path).expect("it can be named");
    path
}

fn write_passwords(dir: &Path) {
    let file = write(dir, "passwd", "");
    for user in USERS {
        let mut command = Command::new("mosquitto_passwd");
        let added = command.arg("-b").arg(&file).args([user, &password_of(user)]).status();
        assert!(added.expect("mosquitto_passwd runs").success());
    }
}

/// Starts the broker in its directory and waits until it serves: it listens before it has read its certificates.
async fn spawn_ready(dir: &Path) -> Child {
    let path = dir.join("log");
    let log = || std::fs::read_to_string(&path).unwrap_or_default();
    let starts = |log: &str| log.matches(" running\n").count();
    let before = starts(&log());
    let output = std::fs::OpenOptions::new().create(true).append(true).open(&path).expect("a log");
    let mut command = Command::new("/usr/sbin/mosquitto");
    command.args(["-c", "mosquitto.conf"]).current_dir(dir).stdout(Stdio::null()).stderr(output);
    let mut child = command.spawn().expect("mosquitto is installed (apt install mosquitto)");
    for _ in 0..6000 {
        if starts(&log()) > before {
            return child;
        }
        let ended = child.try_wait().expect("a child of ours");
        assert!(ended.is_none(), "mosquitto ended: {}", log());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("mosquitto was not ready within half a minute: {}", log())
}

/// A port that nobody listens on, and that no other broker of this test process was given.
fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let port = unused_port();
        if GIVEN.lock().expect("no test panics in here").insert(port) {
            return port;
        }
    }
}

fn unused_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}
