//! The bare consumer: rumqttc's event loop, manual acknowledgements, everything dropped. Durable it is not.

use crate::stats::{Cost, cpu, now};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use std::time::Duration;

/// Consumes so many messages.
///
/// # Errors
/// When the connection is lost.
pub async fn consume(port: u16, login: Option<(&str, &str)>, messages: u64) -> anyhow::Result<Cost> {
    let mut options = MqttOptions::new("bare", "127.0.0.1", port);
    options.set_manual_acks(true).set_clean_session(true).set_keep_alive(Duration::from_secs(30));
    options.set_max_packet_size(1 << 20, 1 << 20);
    if let Some((user, password)) = login {
        options.set_credentials(user, password);
    }
    let (client, mut events) = AsyncClient::new(options, 2 * crate::feeder::WINDOW as usize);
    client.subscribe("wanglou/v1/in/#", QoS::AtLeastOnce).await?;
    let (mut seen, mut began) = (0, None);
    while seen < messages {
        if let Event::Incoming(Packet::Publish(publish)) = events.poll().await? {
            began.get_or_insert_with(|| (cpu(), now()));
            client.try_ack(&publish)?;
            seen += 1;
        }
    }
    let (cpu_before, wall_before) = began.unwrap_or((cpu(), now()));
    let cost = Cost { messages, cpu: cpu() - cpu_before, wall: now() - wall_before };
    // The last acknowledgements are still to be written.
    let _ = tokio::time::timeout(Duration::from_millis(300), async { while events.poll().await.is_ok() {} })
        .await;
    Ok(cost)
}
