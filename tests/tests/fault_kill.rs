//! `kill -9` of the gateway under load: what it acknowledged is counted in exactly one alarm, whenever it dies.

use std::time::Duration;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::{Stopwatch, eventually, pause};
use wanglou_tests::gateway::Gateway;
use wanglou_tests::ledger::{self, Ledger};
use wanglou_tests::phone::{Phone, Seen};
use wanglou_tests::scripted::ScriptedBroker;
use wanglou_tests::vendors;

/// Messages a second, and how many go out together after one sync of the ledger.
const PER_SECOND: u64 = 2_000;
const PER_TICK: u64 = 40;
const TICK: Duration = Duration::from_millis(1_000 * PER_TICK / PER_SECOND);
/// While the gateway is down, so many wait for it; the publisher then holds back, as a full broker would make it.
const WAITING_MAX: usize = 4_000;
/// The load of one round, and how long it goes on before a kill can come.
const ROUND: Duration = Duration::from_millis(1_500);
/// Reed switches of zone 3.
const COVERS: std::ops::RangeInclusive<u64> = 61..=90;
/// Kills until the gateway that acknowledges too early must have lost something.
const RED_KILLS_MAX: u64 = 40;

/// A publisher whose every event is worth an alarm.
struct Load {
    broker: ScriptedBroker,
    ledger: Ledger,
    sent: u64,
    /// For how long it has been sending.
    busy: Duration,
}

impl Load {
    fn start() -> (Self, Compound) {
        let broker = ScriptedBroker::start();
        let compound = Compound::new(&BrokerAddress { port: broker.port, login: None });
        compound.replace("gateway.toml", "# discovery = true ", "discovery = false ");
        // Small segments and frequent snapshots, so that kills meet their making too.
        compound.replace("gateway.toml", "# segment_bytes = 67108864", "segment_bytes = 4194304");
        compound.replace("gateway.toml", "# snapshot_records = 200000", "snapshot_records = 5000");
        let ledger = Ledger::create(&compound.beside("ledger"));
        (Self { broker, ledger, sent: 0, busy: Duration::ZERO }, compound)
    }

    /// Sends for so long, or until `enough` says so.
    fn run(&mut self, time: Duration, mut enough: impl FnMut(&ScriptedBroker) -> bool) {
        let began = Stopwatch::start();
        let mut ticks = 0;
        while began.elapsed() < time && !enough(&self.broker) {
            if self.broker.waiting() < WAITING_MAX {
                self.tick();
            }
            ticks += 1;
            pause((TICK * ticks).saturating_sub(began.elapsed()));
        }
        self.busy += began.elapsed();
    }

    fn tick(&mut self) {
        let covers = COVERS.end() - COVERS.start() + 1;
        let numbers = self.sent..self.sent + PER_TICK;
        let events: Vec<_> = numbers
            .map(|n| {
                (
                    n,
                    vendors::cover(
                        &format!("cover-{}", COVERS.start() + n % covers),
                        true,
                        &format!("e-{n}"),
                    ),
                )
            })
            .collect();
        self.ledger.note(events.iter().map(|(n, sent)| (*n, &sent.payload[..])));
        for (n, sent) in &events {
            self.broker.publish(&sent.topic, &sent.payload, *n);
        }
        self.sent += PER_TICK;
    }

    fn drain(&self) {
        eventually("everything is acknowledged", || (self.broker.waiting() == 0).then_some(()));
    }
}

/// Kills at another moment each time: at a PUBACK, or at any point of the load.
fn kill(load: &mut Load, gateway: &mut Gateway, round: u64) {
    let before = load.sent;
    // Not random, so that a failure can be had again: spread over the phases of a batch by a large odd number.
    let moment = (round * 2_654_435_761) % 1_000;
    if round.is_multiple_of(2) {
        load.broker.kill_at_puback(1_000 + moment, gateway.handle());
        load.run(ROUND * 20, ScriptedBroker::has_killed);
        assert!(load.broker.has_killed(), "the {}th PUBACK came", 1_000 + moment);
        gateway.reap();
    } else {
        load.run(ROUND + Duration::from_millis(moment), |_| false);
        gateway.kill();
    }
    assert!(load.sent - before > 0, "there was a load");
    // More comes while it is down: the broker keeps it.
    load.run(Duration::from_millis(200), |_| false);
    gateway.restart();
}

#[test]
fn every_acknowledged_event_is_in_exactly_one_alarm_whenever_the_gateway_is_killed() {
    let rounds = if std::env::var_os("WANGLOU_FULL").is_some() { 20 } else { 3 };
    let (mut load, compound) = Load::start();
    let mut gateway = Gateway::start(compound);
    let he = gateway.enrol("he");
    for round in 0..rounds {
        kill(&mut load, &mut gateway, round);
    }
    load.run(ROUND, |_| false);
    load.drain();
    let shown = counts_shown(&he);
    gateway.stop();

    let acknowledged = load.broker.acknowledged();
    assert_eq!(
        load.broker.faults(),
        Vec::<String>::new(),
        "PUBACKs come in order, and for what is in flight"
    );
    assert_eq!(acknowledged.len() as u64, load.sent);
    let verdict = ledger::check(&load.ledger, &acknowledged, &gateway.compound.data());
    assert!(verdict.is_clean(), "of {} events: {verdict:?}", load.sent);
    assert_eq!((verdict.ok as u64, verdict.counted), (load.sent, load.sent));
    assert_eq!(shown, load.sent, "and the alarms show the same sum");
    let per_second = load.sent as f64 / load.busy.as_secs_f64();
    println!("{rounds} kills, {} events at {per_second:.0}/s, all acknowledged, all counted once", load.sent);
}

/// The sum of all alarms' counts, as an officer sees them.
fn counts_shown(he: &wanglou_tests::phone::Session) -> u64 {
    let phone = Phone::fresh(he);
    let ids = phone.look(Seen::ids);
    let counts = ids.iter().map(|id| he.get(&format!("/api/alarms/{id}")).json()["a"]["count"].as_u64());
    counts.map(|count| count.expect("a count")).sum()
}

#[test]
fn a_gateway_that_acknowledges_before_the_commit_is_found_out() {
    let (mut load, compound) = Load::start();
    let mut gateway = Gateway::start_with(compound, &["--acknowledge-before-commit"]);
    for kills in 1..=RED_KILLS_MAX {
        load.broker.kill_at_puback(500 + (kills * 2_654_435_761) % 500, gateway.handle());
        load.run(ROUND * 20, ScriptedBroker::has_killed);
        gateway.reap();
        let verdict = ledger::check(&load.ledger, &load.broker.acknowledged(), &gateway.compound.data());
        if !verdict.lost.is_empty() {
            println!("kill {kills} lost {} acknowledged events", verdict.lost.len());
            return;
        }
        gateway.restart();
    }
    panic!(
        "{RED_KILLS_MAX} kills at the PUBACK lost nothing: the checker, or the kill, does not do its work"
    );
}
