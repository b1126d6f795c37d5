//! The broker: can we log in, do our own messages come back, and does it keep strangers and neighbours out?

use super::{Extra, Finding, text};
use crate::configuration::Loaded;
use crate::intake::{Acknowledge, Arrival, Closed, Intake, Lane, PathEvent};
use crate::mqtt::{
    BrokerOptions, Consumer, ConsumerOptions, Login, Outbound, Outcome, Publisher, PublisherOptions, Source,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

/// How long the broker may take for each step.
const WITHIN: Duration = Duration::from_secs(8);
/// A message that must not come back is waited for so long.
const REFUSED_AFTER: Duration = Duration::from_secs(2);

struct Heard(mpsc::UnboundedSender<Arrival>);

impl Intake for Heard {
    async fn offer(&self, arrival: Arrival) -> Result<(), Closed> {
        if let Arrival::Messages(batch) = &arrival {
            let _ = batch.acks.send(Acknowledge { batches: 1 });
        }
        self.0.send(arrival).map_err(|_| Closed)
    }
}

/// A connection of the doctor's own, which ends with it.
struct Probe {
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    stop: watch::Sender<bool>,
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

impl Probe {
    /// Connects and subscribes to one topic, by a client id that no gateway has.
    fn new(broker: BrokerOptions, site: &str, topic: &str) -> Self {
        let (told, arrivals) = mpsc::unbounded_channel();
        let (stop, stopping) = watch::channel(false);
        let mut nonce = [0; 8];
        // Without random numbers another doctor's marker could be taken for ours.
        let _ = getrandom::fill(&mut nonce);
        let mut options =
            ConsumerOptions::new(site, Lane::Discovery, vec![topic.to_owned()], u64::from_le_bytes(nonce));
        options.client_id = format!("wanglou-{site}-doctor-{}", std::process::id());
        tokio::spawn(Consumer::new(broker, options).run(Arc::new(Heard(told)), stopping));
        Self { arrivals, stop }
    }

    /// Waits for news of the path.
    async fn path(&mut self, until: Instant) -> Option<PathEvent> {
        loop {
            match timeout_at(until, self.arrivals.recv()).await.ok()?? {
                Arrival::Path { event, .. } => return Some(event),
                Arrival::Messages(_) => {}
            }
        }
    }

    async fn hears_a_message(&mut self, until: Instant) -> bool {
        loop {
            match timeout_at(until, self.arrivals.recv()).await {
                Ok(Some(Arrival::Messages(_))) => return true,
                Ok(Some(Arrival::Path { .. })) => {}
                Ok(None) | Err(_) => return false,
            }
        }
    }
}

/// Everything about the broker.
pub(super) async fn look(loaded: &Loaded, extra: &Extra) -> Vec<Finding> {
    let broker = loaded.gateway.mqtt.broker(&loaded.folder);
    let site = loaded.decisive.setup.site.id.to_string();
    let mut random = [0; 4];
    let _ = getrandom::fill(&mut random);
    let neighbour = format!("wanglou/v1/in/doctor-{}", u32::from_le_bytes(random));
    let mut probe = Probe::new(broker.clone(), &site, &neighbour);
    let until = Instant::now() + WITHIN;
    let mut found = Vec::new();
    match probe.path(until).await {
        Some(PathEvent::Up { .. }) => {
            found.push(Finding::ok(
                format!("已连上消息服务器 {}", broker.address),
                format!("the broker at {} lets us in", broker.address),
            ));
        }
        Some(PathEvent::Down { reason }) => return vec![unreachable(&broker, &reason)],
        Some(PathEvent::Drained | PathEvent::Quiet | PathEvent::Heard) | None => {
            return vec![unreachable(&broker, &format!("no answer within {} s", WITHIN.as_secs()))];
        }
    }
    if probe.path(until).await == Some(PathEvent::Drained) {
        found.push(Finding::ok("自检主题可读写", "our own messages come back (wanglou/v1/self/#)"));
    } else {
        found.push(Finding::fault(
            text("自检消息没有回来", "our own messages do not come back"),
            text(
                "在访问列表中给网关加：topic readwrite wanglou/v1/self/#（见 deploy/mosquitto.acl）",
                "give the gateway's user `topic readwrite wanglou/v1/self/#` in the access list (deploy/mosquitto.acl)",
            ),
        ));
    }
    found.push(for_a_device(&broker, &site, &neighbour, &mut probe, "gateway").await);
    if let Some((user_file, password_file)) = &extra.device {
        let login = Some(Login { user_file: user_file.clone(), password_file: password_file.clone() });
        found.push(
            for_a_device(&BrokerOptions { login, ..broker.clone() }, &site, &neighbour, &mut probe, "device")
                .await,
        );
    } else {
        found.push(Finding::warn(
            text("未试：设备能否冒充邻居", "not tried: whether a device can speak for its neighbour"),
            text(
                "加 --device-user-file 和 --device-password-file，用一台设备的账号再试",
                "give --device-user-file and --device-password-file of one device",
            ),
        ));
    }
    drop(probe);
    found.push(strangers(&broker, &site).await);
    found
}

fn unreachable(broker: &BrokerOptions, reason: &str) -> Finding {
    Finding::fault(
        text(
            format!("连不上消息服务器 {}：{reason}", broker.address),
            format!("the broker at {}: {reason}", broker.address),
        ),
        text(
            "检查 [mqtt]、账号文件和证书；deploy/README.md 按报错列出做法",
            "look at [mqtt], the files with user and password, and certificates; deploy/README.md goes by the words",
        ),
    )
}

/// Publishes for a device that is not ours: nothing may come of it.
async fn for_a_device(
    broker: &BrokerOptions,
    site: &str,
    topic: &str,
    probe: &mut Probe,
    who: &str,
) -> Finding {
    let (stop, stopping) = watch::channel(false);
    let mut options = PublisherOptions::new(site);
    options.client_id = format!("wanglou-{site}-doctor-{who}-{}", std::process::id());
    let (publisher, publishing) = Publisher::new(broker.clone(), options, stopping);
    let working = tokio::spawn(publishing);
    let until = Instant::now() + WITHIN;
    let message = Outbound { topic: topic.to_owned(), payload: "{}".into(), expires_at: until };
    let outcome = match publisher.publish(message) {
        Ok(told) => timeout_at(until, told).await.ok().and_then(Result::ok),
        Err(_) => None,
    };
    let came = probe.hears_a_message(Instant::now() + REFUSED_AFTER).await;
    let _ = stop.send(true);
    // It ends by itself within its grace; the doctor does not wait for more.
    let _ = timeout_at(Instant::now() + WITHIN, working).await;
    let (zh, en) = if who == "gateway" {
        ("网关账号", "the gateway's user")
    } else {
        ("该设备账号", "this device's user")
    };
    let todo =
        text("对照 deploy/mosquitto.acl 收紧访问列表", "narrow its rights as deploy/mosquitto.acl does");
    match (came, outcome) {
        (true, _) => Finding::fault(
            text(
                format!("{zh}能以别的设备的名义发消息（{topic}）"),
                format!("{en} can speak for another device ({topic})"),
            ),
            todo,
        ),
        // Mosquitto acknowledges what its list makes it drop; others refuse aloud.
        (false, Some(Outcome::Done | Outcome::Unknown { .. })) => {
            Finding::ok(format!("{zh}不能冒充别的设备"), format!("{en} cannot speak for another device"))
        }
        (false, Some(Outcome::Failed { .. }) | None) => Finding::warn(
            text(
                format!("{zh}连不上，未能试"),
                format!("{en} could not connect, so its rights were not tried"),
            ),
            text("检查账号和密码文件", "look at the files with user and password"),
        ),
    }
}

/// Whoever has no account must stay outside.
async fn strangers(broker: &BrokerOptions, site: &str) -> Finding {
    let mut probe = Probe::new(
        BrokerOptions { login: None, ..broker.clone() },
        &format!("{site}-stranger"),
        "wanglou/v1/in/x",
    );
    match probe.path(Instant::now() + WITHIN).await {
        Some(PathEvent::Up { .. } | PathEvent::Drained | PathEvent::Heard | PathEvent::Quiet) => {
            Finding::fault(
                text("消息服务器接受没有账号的连接", "the broker lets in whoever has no account"),
                text(
                    "设 allow_anonymous false 和 password_file（deploy/mosquitto.conf）",
                    "set allow_anonymous false and a password_file (deploy/mosquitto.conf)",
                ),
            )
        }
        Some(PathEvent::Down { .. }) => Finding::ok("没有账号的连接被拒绝", "the broker keeps strangers out"),
        None => Finding::warn(
            text("未能确认陌生连接是否被拒绝", "the broker did not say whether it keeps strangers out"),
            text("稍后再试", "try again later"),
        ),
    }
}
