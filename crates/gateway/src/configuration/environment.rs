//! The few keys that a deployment sets by its environment: where it listens, where its data are, which broker.
//! Everything else is in the file, where it can be checked. Passwords are never here: processes of one machine can
//! see each other's environment.

use super::{Fault, GatewayFile};
use std::path::PathBuf;

/// A variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The keys that it stands for.
    pub keys: &'static str,
    /// What it holds.
    pub what: &'static str,
}

/// All of them.
pub const VARIABLES: [Variable; 9] = [
    Variable { name: "WANGLOU_DATA", keys: "data", what: "a folder; begins at the working directory" },
    Variable { name: "WANGLOU_SITE", keys: "site", what: "a folder; begins at the working directory" },
    Variable { name: "WANGLOU_LISTEN", keys: "http.listen", what: "address:port" },
    Variable {
        name: "WANGLOU_PUBLIC_URL",
        keys: "http.public_url",
        what: "https://…, or http:// on loopback",
    },
    Variable { name: "WANGLOU_METRICS_LISTEN", keys: "metrics.listen", what: "address:port" },
    Variable {
        name: "WANGLOU_MQTT_URL",
        keys: "mqtt.host, mqtt.port, mqtt.unix_socket",
        what: "mqtt://HOST[:PORT], mqtts://HOST[:PORT] (with mqtt.ca_file), or unix:///PATH; no user, no password",
    },
    Variable { name: "WANGLOU_MQTT_USER_FILE", keys: "mqtt.user_file", what: "a file" },
    Variable { name: "WANGLOU_MQTT_PASSWORD_FILE", keys: "mqtt.password_file", what: "a file" },
    Variable { name: "WANGLOU_LOG_FORMAT", keys: "log.format", what: "text or json" },
];

/// Where a fault of a variable is said to be.
const PLACE: &str = "environment";

/// Puts what the environment says in place of what the file says.
///
/// # Errors
/// The first variable that holds something else.
pub(super) fn apply(gateway: &mut GatewayFile, look: &dyn Fn(&str) -> Option<String>) -> Result<(), Fault> {
    for Variable { name, what, .. } in VARIABLES {
        let Some(value) = look(name) else { continue };
        set(gateway, name, &value)
            .map_err(|why| Fault::error(PLACE, name, None, format!("{value:?}: {why}; it holds {what}")))?;
    }
    Ok(())
}

fn set(gateway: &mut GatewayFile, name: &str, value: &str) -> Result<(), String> {
    let path = || {
        if value.is_empty() {
            return Err("is empty: unset it".to_owned());
        }
        std::path::absolute(value).map_err(|error| error.to_string())
    };
    let address = || value.parse().map_err(|_| "is no address with a port, such as 0.0.0.0:8080".to_owned());
    match name {
        "WANGLOU_DATA" => gateway.data = path()?,
        "WANGLOU_SITE" => gateway.site = path()?,
        "WANGLOU_LISTEN" => gateway.http.listen = address()?,
        "WANGLOU_PUBLIC_URL" => value.clone_into(&mut gateway.http.public_url),
        "WANGLOU_METRICS_LISTEN" => gateway.metrics.listen = address()?,
        "WANGLOU_MQTT_URL" => broker(gateway, value)?,
        "WANGLOU_MQTT_USER_FILE" => gateway.mqtt.user_file = Some(path()?),
        "WANGLOU_MQTT_PASSWORD_FILE" => gateway.mqtt.password_file = Some(path()?),
        "WANGLOU_LOG_FORMAT" => {
            gateway.log.format = match value {
                "text" => super::LogFormat::Text,
                "json" => super::LogFormat::Json,
                _ => return Err("is neither".to_owned()),
            }
        }
        _ => {}
    }
    Ok(())
}

fn broker(gateway: &mut GatewayFile, url: &str) -> Result<(), String> {
    if let Some(socket) = url.strip_prefix("unix://") {
        gateway.mqtt.unix_socket = Some(PathBuf::from(socket));
        return Ok(());
    }
    let (rest, port, encrypted) = match url.split_once("://") {
        Some(("mqtt", rest)) => (rest, 1883, false),
        Some(("mqtts", rest)) => (rest, 8883, true),
        _ => return Err("begins with neither mqtt://, mqtts:// nor unix://".to_owned()),
    };
    if rest.contains('@') {
        return Err(
            "user and password go into files: WANGLOU_MQTT_USER_FILE, WANGLOU_MQTT_PASSWORD_FILE".to_owned()
        );
    }
    match (encrypted, &gateway.mqtt.ca_file) {
        (true, None) => return Err("encrypted, and no mqtt.ca_file says which authority to trust".to_owned()),
        (false, Some(_)) => {
            return Err("not encrypted, and the file's mqtt.ca_file wants it to be: mqtts://".to_owned());
        }
        (true, Some(_)) | (false, None) => {}
    }
    let rest = rest.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, given)) if !given.ends_with(']') => {
            (host, given.parse().ok().filter(|port| *port > 0).ok_or("its port is none")?)
        }
        _ => (rest, port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || host.contains('/') {
        return Err("has no host".to_owned());
    }
    (gateway.mqtt.host, gateway.mqtt.port, gateway.mqtt.unix_socket) = (host.to_owned(), port, None);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(pairs: &[(&str, &str)], file: &str) -> Result<GatewayFile, Fault> {
        let mut gateway: GatewayFile = toml::from_str(file).expect("a file");
        let look =
            |name: &str| pairs.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned());
        apply(&mut gateway, &look).map(|()| gateway)
    }

    #[test]
    fn every_variable_changes_its_keys_and_nothing_else() {
        let values = [
            ("WANGLOU_DATA", "/srv/data"),
            ("WANGLOU_SITE", "/srv/site"),
            ("WANGLOU_LISTEN", "0.0.0.0:80"),
            ("WANGLOU_PUBLIC_URL", "https://a.example"),
            ("WANGLOU_METRICS_LISTEN", "[::1]:9000"),
            ("WANGLOU_MQTT_URL", "mqtt://broker.lan:1884"),
            ("WANGLOU_MQTT_USER_FILE", "/run/secrets/user"),
            ("WANGLOU_MQTT_PASSWORD_FILE", "/run/secrets/password"),
            ("WANGLOU_LOG_FORMAT", "json"),
        ];
        assert_eq!(
            values.map(|(name, _)| name),
            VARIABLES.map(|variable| variable.name),
            "each one is tried"
        );
        let gateway = applied(&values, "").expect("right");
        let mut expected =
            GatewayFile { data: "/srv/data".into(), site: "/srv/site".into(), ..GatewayFile::default() };
        expected.http.listen = "0.0.0.0:80".parse().expect("an address");
        expected.http.public_url = "https://a.example".into();
        expected.metrics.listen = "[::1]:9000".parse().expect("an address");
        (expected.mqtt.host, expected.mqtt.port) = ("broker.lan".into(), 1884);
        expected.mqtt.user_file = Some("/run/secrets/user".into());
        expected.mqtt.password_file = Some("/run/secrets/password".into());
        expected.log.format = super::super::LogFormat::Json;
        assert_eq!(gateway, expected);
        assert_eq!(
            applied(&[], "").expect("right"),
            GatewayFile::default(),
            "and nothing is changed by none"
        );
    }

    #[test]
    fn brokers_are_named_by_url() {
        let at = |url: &str, file: &str| {
            applied(&[("WANGLOU_MQTT_URL", url)], file).map(|g| (g.mqtt.host, g.mqtt.port))
        };
        assert_eq!(at("mqtt://10.0.0.1", ""), Ok(("10.0.0.1".into(), 1883)));
        assert_eq!(at("mqtt://[::1]:2000/", ""), Ok(("::1".into(), 2000)));
        assert_eq!(at("mqtt://[::1]", ""), Ok(("::1".into(), 1883)));
        let tls = "[mqtt]\nca_file = \"ca.pem\"\n";
        assert_eq!(at("mqtts://b", tls), Ok(("b".into(), 8883)));
        let socket =
            applied(&[("WANGLOU_MQTT_URL", "unix:///run/m.sock")], "").expect("right").mqtt.unix_socket;
        assert_eq!(socket, Some("/run/m.sock".into()));
        for (url, file, word) in [
            ("mqtts://b", "", "ca_file"),
            ("mqtt://b", tls, "mqtts"),
            ("mqtt://u:p@b", "", "files"),
            ("tcp://b", "", "neither"),
            ("mqtt://b:0", "", "port"),
            ("mqtt://", "", "host"),
        ] {
            let fault = applied(&[("WANGLOU_MQTT_URL", url)], file).expect_err(url);
            assert!(fault.message.contains(word) && fault.file == PLACE, "{url}: {fault}");
        }
    }

    #[test]
    fn what_is_none_is_named_with_its_variable() {
        let fault = applied(&[("WANGLOU_LISTEN", "8080")], "").expect_err("no address");
        assert_eq!(fault.key_path, "WANGLOU_LISTEN");
        assert!(
            applied(&[("WANGLOU_DATA", "")], "").is_err()
                && applied(&[("WANGLOU_LOG_FORMAT", "xml")], "").is_err()
        );
    }
}
