//! The console's figures: of the gateway's own memory, and the same as those that Prometheus scrapes.

use serde_json::Value;
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::Gateway;
use wanglou_tests::http::Ask;
use wanglou_tests::phone::{Phone, Session};
use wanglou_tests::vendors;

fn figures(he: &Session, span: &str) -> Value {
    let answer = he.get(&format!("/api/admin/figures?span={span}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn last(figures: &Value, column: &str) -> Option<f64> {
    figures["columns"][column].as_array()?.last()?.as_f64()
}

/// The share of a histogram's page that a quantile is in, worked out from the page alone.
fn from_the_page(page: &str, name: &str, quantile: f64) -> Option<f64> {
    let prefix = format!("{name}_bucket{{le=\"");
    let lines = page.lines().filter_map(|line| line.strip_prefix(&prefix));
    let buckets = lines.filter_map(|line| {
        let (bound, count) = line.split_once("\"} ")?;
        Some((bound.replace("+Inf", "inf").parse::<f64>().ok()?, count.parse::<f64>().ok()?))
    });
    let buckets: Vec<(f64, f64)> = buckets.collect();
    let rank = quantile * buckets.last()?.1;
    let mut below = (0.0, 0.0);
    for (bound, count) in buckets {
        if count > 0.0 && count >= rank {
            return Some(below.0 + (bound - below.0) * (rank - below.1) / (count - below.1));
        }
        below = (bound, count);
    }
    None
}

fn page(gateway: &Gateway) -> String {
    Ask::get("/metrics").send(gateway.compound.metrics_port).expect("the metrics answer").text()
}

#[test]
fn the_charts_show_what_prometheus_scrapes_and_only_managers_see_them() {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let compound = Compound::new(&address);
    compound.sing();
    let gateway = Gateway::start(compound);
    let (wu, he) = (gateway.enrol("wu"), gateway.enrol("he"));
    assert_eq!(wu.get("/api/admin/figures").status, 403, "a guard is no manager");
    assert_eq!(gateway.get("/api/admin/figures").status, 401, "nobody without a session");
    assert_eq!(he.get("/api/admin/figures?span=week").status, 400);

    let phone = Phone::fresh(&wu);
    for n in 0..40 {
        let sent = vendors::cover("cover-61", n == 39, &format!("f-{n}"));
        broker.publish(&sent.topic, &sent.payload);
    }
    let raised = phone.alarm("manhole", "cover/61");
    phone.command("f-accept", "accept", &raised);

    let lane = "lane=\"alarm\"";
    eventually("all of them are counted", || {
        (gateway.metric("wanglou_lane_messages_total", &[lane]) >= 40.0).then_some(())
    });
    // Both are read while nothing changes in between. A quiet minute has such moments.
    let shown = eventually("the charts and the page agree", || {
        let before = page(&gateway);
        let shown = figures(&he, "hour");
        let still = page(&gateway);
        let canary = |page: &str| from_the_page(page, "wanglou_canary_seconds", 0.5);
        let same = canary(&before) == canary(&still) && canary(&still).is_some();
        let agrees =
            last(&shown, "canary_p50").zip(canary(&still)).is_some_and(|(a, b)| (a - b).abs() < 1e-5);
        (same && agrees && last(&shown, "duty_on").is_some_and(|on| on > 0.0)).then_some(shown)
    });
    let gauge = |name: &str, labels: &[&str]| Some(gateway.metric(name, labels));
    assert_eq!(last(&shown, "duty_on"), gauge("wanglou_duty_people", &[]));
    assert_eq!(last(&shown, "duty_reachable"), gauge("wanglou_duty_people", &["reach=\"reachable\""]));
    assert_eq!(last(&shown, "never_heard"), gauge("wanglou_devices", &["never_heard"]));
    assert_eq!(last(&shown, "silent"), gauge("wanglou_devices", &["unknown"]));
    assert_eq!(last(&shown, "judged"), Some(0.0));
    // Within the first minute the rate is of everything since the start.
    let at = shown["at"].as_array().expect("moments");
    let seconds = at[at.len() - 1].as_f64().expect("a time") - at[0].as_f64().expect("a time");
    if seconds < 60.0 {
        let counted = last(&shown, "ingest_alarm").expect("a rate") * seconds;
        let scraped = gateway.metric("wanglou_lane_messages_total", &[lane]);
        assert!((counted - scraped).abs() <= 0.05 * scraped + 1.0, "{counted} of {scraped}");
    }
    assert_eq!(shown["chatty"][0]["id"], "cover-61", "{}", shown["chatty"]);
    let day = figures(&he, "day");
    assert_eq!(last(&day, "never_heard"), last(&shown, "never_heard"));
    assert_eq!(day["since"], shown["since"]);
}
