//! Certificates of a test's own, made by openssl, which shares no code with the product.

use std::path::Path;
use std::process::{Command, Stdio};

/// What openssl says.
///
/// # Panics
/// When it is not installed.
pub fn openssl(folder: &Path, arguments: &str) -> String {
    let mut command = Command::new("openssl");
    let done = command.current_dir(folder).args(arguments.split(' ')).stdin(Stdio::null()).output();
    let done = done.unwrap_or_else(|error| panic!("openssl: {error}; apt install openssl"));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// The head and the first page of a server on loopback, by HTTP/1.1, in small letters.
///
/// # Panics
/// When openssl is not installed.
pub fn page(folder: &Path, port: u16) -> String {
    use std::io::Write;
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["s_client", "-quiet", "-connect", &format!("127.0.0.1:{port}")]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut client = command.spawn().unwrap_or_else(|error| panic!("openssl: {error}; apt install openssl"));
    let request = format!("GET / HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
    let mut input = client.stdin.take().expect("piped");
    input.write_all(request.as_bytes()).expect("it reads");
    let output = client.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).to_lowercase()
}

/// A certificate that vouches for itself for so many days, with its key: `<name>.pem` and `<name>.key`.
pub fn certificate(folder: &Path, name: &str, days: u32) {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days {days} -subj /CN={name} -keyout {name}.key -out {name}.pem"
        ),
    );
}

/// Puts a pair where the gateway looks: `https.pem` and `https.key`.
///
/// # Panics
/// When a file cannot be copied.
pub fn install(folder: &Path, cert: &str, key: &str) {
    for (from, to) in [(key, "https.key"), (cert, "https.pem")] {
        std::fs::copy(folder.join(from), folder.join(to)).expect("copied");
    }
}
