//! A real Prometheus with the files of `deploy/`.

use crate::http::Ask;
use crate::program::{Program, free_port};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file of `deploy/`.
pub fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name)
}

/// The text of a file.
///
/// # Panics
/// When it cannot be read.
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A Prometheus of the test's own, with the files of `deploy/`, that scrapes each second.
#[derive(Debug)]
pub struct Prometheus {
    _program: Program,
    _folder: tempfile::TempDir,
    port: u16,
}

impl Prometheus {
    /// Starts one that scrapes this port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(metrics_port: u16) -> Self {
        Self::start_with(metrics_port, &read(&deploy("prometheus/wanglou.rules.yml")))
    }

    /// One for which a minute that an alert waits (`for:`) is a tenth of a second.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_hasty(metrics_port: u16) -> Self {
        let rules = read(&deploy("prometheus/wanglou.rules.yml"));
        let hasty = |line: &str| match line.trim_start().starts_with("for: ") {
            true => line.replace('m', "00ms").replace('h', "000ms"),
            false => line.to_owned(),
        };
        Self::start_with(metrics_port, &rules.lines().map(|line| hasty(line) + "\n").collect::<String>())
    }

    fn start_with(metrics_port: u16, rules: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = read(&deploy("prometheus/prometheus.yml"));
        assert!(config.contains("127.0.0.1:9464") && config.contains("scrape_interval: 15s"));
        let config = config
            .replace("127.0.0.1:9464", &format!("127.0.0.1:{metrics_port}"))
            .replace("scrape_interval: 15s", "scrape_interval: 1s")
            .replace("evaluation_interval: 15s", "evaluation_interval: 1s");
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config).expect("a file");
        std::fs::write(folder.path().join("wanglou.rules.yml"), rules).expect("a file");
        let port = free_port();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let log = folder.path().join("prometheus.log");
        let program = Program::start(&mut command, "prometheus", &log, "apt install prometheus");
        Self { _program: program, _folder: folder, port }
    }

    /// The result of a query, as a list of samples; none while it does not answer.
    ///
    /// # Panics
    /// When the query is not one.
    pub fn query(&self, query: &str) -> Option<Vec<Value>> {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = Ask::get(&format!("/api/v1/query?query={encoded}")).send(self.port).ok()?;
        if answer.status == 503 {
            return None;
        }
        let json = answer.json();
        assert_eq!(json["status"], "success", "{query}: {json}");
        json["data"]["result"].as_array().cloned()
    }

    /// Whether a query has a result.
    pub fn has(&self, query: &str) -> bool {
        self.query(query).is_some_and(|found| !found.is_empty())
    }
}
