//! The demo compound of `config/` in a folder of its own, wired to a test's broker and ports.
//!
//! What is changed is changed by line and must be found: so the tests also hold the commented examples of the
//! shipped files to what the gateway reads.

use crate::program::free_port;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Where the broker is, and how to log in there.
#[derive(Debug, Clone)]
pub struct BrokerAddress {
    /// Its port on loopback.
    pub port: u16,
    /// Files with user and password; `None` for a broker that admits anybody.
    pub login: Option<(PathBuf, PathBuf)>,
}

/// A configuration and its data; gone when dropped.
#[derive(Debug)]
pub struct Compound {
    folder: TempDir,
    /// Where phones connect.
    pub http_port: u16,
    /// Where Prometheus scrapes.
    pub metrics_port: u16,
}

impl Compound {
    /// Copies `config/` and wires it. The guards `wu` and `li` are on duty at any hour, so that the time of day at
    /// which the tests run does not matter.
    ///
    /// # Panics
    /// When a shipped file does not look as expected.
    pub fn new(broker: &BrokerAddress) -> Self {
        let folder = TempDir::new().expect("a folder");
        let config = folder.path().join("config");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"), &config);
        let compound = Self { folder, http_port: free_port(), metrics_port: free_port() };
        compound.edit("gateway.toml", |text| compound.wire(text, broker));
        for guard in ["wu", "li"] {
            compound.edit("sites/demo/officers.toml", |text| on_duty_always(&text, guard));
        }
        compound
    }

    /// The same ports with what `wanglou restore` put into a folder.
    pub fn moved_to(&self, folder: TempDir) -> Self {
        Self { folder, http_port: self.http_port, metrics_port: self.metrics_port }
    }

    fn wire(&self, text: String, broker: &BrokerAddress) -> String {
        let listen = format!("listen = \"127.0.0.1:{}\"", self.http_port);
        let url = format!("public_url = \"{}\"", self.url());
        let metrics = format!("listen = \"127.0.0.1:{}\"", self.metrics_port);
        assert!(text.contains("data = \"../data\""), "the data lie beside the configuration, as data() says");
        let mut text = replaced(&text, "# port = 1883", &format!("port = {}", broker.port));
        if let Some((user, password)) = &broker.login {
            let (user, password) = (user.display(), password.display());
            text = replaced(&text, "# user_file = \"secrets/mqtt-user\"", &format!("user_file = \"{user}\""));
            let shipped = "# password_file = \"secrets/mqtt-password\"";
            text = replaced(&text, shipped, &format!("password_file = \"{password}\""));
        }
        // What the journal holds, and what a scripted broker hears, is the test's alone; see `sing`.
        text = replaced(&text, "# on = true", "on = false");
        text = replaced(&text, "# listen = \"127.0.0.1:8080\"", &listen);
        text = replaced(&text, "# public_url = \"http://127.0.0.1:8080\"", &url);
        replaced(&text, "# listen = \"127.0.0.1:9464\"", &metrics)
    }

    /// Switches the gateway's canaries on, one each second.
    pub fn sing(&self) {
        // Other switches of the file are commented out.
        self.replace("gateway.toml", "\non = false", "\non = true");
        self.replace("gateway.toml", "# every_s = 10", "every_s = 1");
        self.edit("gateway.toml", |text| {
            let shipped =
                text.lines().find(|line| line.starts_with("# within_s = 5")).expect("shipped").to_owned();
            replaced(&text, &shipped, "within_s = 1")
        });
    }

    /// The gateway's file.
    pub fn gateway_file(&self) -> PathBuf {
        self.path("gateway.toml")
    }

    /// A file of the configuration.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("config").join(name)
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file beside configuration and data.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What phones have in their address bar.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// Changes a file of the configuration.
    ///
    /// # Panics
    /// When it cannot be read or written.
    pub fn edit(&self, name: &str, change: impl FnOnce(String) -> String) {
        let path = self.path(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        std::fs::write(&path, change(text)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// Replaces one piece of a file; see [`replaced`].
    pub fn replace(&self, name: &str, from: &str, to: &str) {
        self.edit(name, |text| replaced(&text, from, to));
    }

    /// The gateway speaks https, with these files beside its own.
    pub fn speak_https(&self, cert: &str, key: &str) {
        let url = self.url();
        self.replace(
            "gateway.toml",
            &format!("public_url = \"{url}\""),
            &format!("public_url = \"{}\"", url.replace("http:", "https:")),
        );
        self.replace("gateway.toml", "# tls_cert = \"secrets/https.pem\"", &format!("tls_cert = \"{cert}\""));
        self.replace(
            "gateway.toml",
            "# tls_key = \"secrets/https.key.pem\"",
            &format!("tls_key = \"{key}\""),
        );
    }

    /// Adds a line to a file.
    pub fn append(&self, name: &str, line: &str) {
        self.edit(name, |text| format!("{}\n{line}\n", text.trim_end()));
    }
}

/// The text with one piece replaced, which must be there exactly once.
///
/// # Panics
/// When it is not.
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?} should be there exactly once");
    text.replacen(from, to, 1)
}

fn on_duty_always(text: &str, officer: &str) -> String {
    let header = format!("[officer.{officer}]");
    let found: Vec<&str> = text.lines().filter(|line| line.starts_with(&header)).collect();
    assert_eq!(found.len(), 1, "officers.toml has one {header}");
    replaced(text, found[0], &format!("{}\nalways_on_duty = true", found[0]))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("config/ can be read") {
        let entry = entry.expect("config/ can be read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}
