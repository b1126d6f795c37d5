//! The gateway's core in simulated time: the seed compound's traffic with duplicates, people who accept late or
//! not at all, phones that come and go, and a crash after any commit. Each seed runs twice with equal bytes, and after each
//! crash the recovered engine is the one that died, byte for byte.
//!
//! `cargo xtask sim --seed 42` replays one seed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use wanglou_engine::{Engine, Stimulus};
use wanglou_gateway::configuration::{self, Loaded};
use wanglou_gateway::intake::{Body, Inbound, Lane};
use wanglou_gateway::record::Encoder;
use wanglou_gateway::recovery;
use wanglou_journal::files::Files;
use wanglou_journal::files::disk::DiskFiles;
use wanglou_journal::{Batch, Blobs, Configs, MemoryDisk, MemoryStore, Partition, Purpose, Store};
use wanglou_model::{
    Command, CommandId, Decoded, Fact, Input, LaneName, Op, PhoneId, PhoneNews, PhoneState, RawMessage, Span,
    Timestamp, Way,
};
use wanglou_simulator::{Options, Traffic};

/// Monday 2 March 2026, 16:00 in Shanghai: the busiest hour for lifts lies ahead.
const START: Timestamp = Timestamp::from_millis(1_772_438_400_000);
const LASTS: Span = Span::mins(90);

static LOADED: LazyLock<Loaded> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/gateway.toml");
    configuration::load(&path).unwrap_or_else(|faults| panic!("{}", faults[0]))
});

/// Numbers that follow from a seed alone: SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

struct World {
    disk: MemoryDisk,
    store: MemoryStore,
    engine: Engine,
    encoder: Encoder,
    batch: Batch,
    blobs: Blobs,
    configs: Configs,
    dice: Dice,
    /// Alarms that somebody will accept, and when.
    plans: BTreeMap<Timestamp, Command>,
    crashes: u32,
    raised: u32,
    commands: u32,
    _folder: tempfile::TempDir,
}

impl World {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let files: Arc<dyn Files> = Arc::new(DiskFiles);
        let disk = MemoryDisk::new();
        let mut world = Self {
            store: MemoryStore::open(&disk, Partition(0)),
            disk,
            engine: Engine::new(Arc::clone(&LOADED.decisive.setup)),
            encoder: Encoder::default(),
            batch: Batch::new(),
            blobs: Blobs::open(Arc::clone(&files), folder.path()).expect("blobs"),
            configs: Configs::open(files, folder.path()).expect("configurations"),
            dice: Dice(seed),
            plans: BTreeMap::new(),
            crashes: 0,
            raised: 0,
            commands: 0,
            _folder: folder,
        };
        world.configs.put(&LOADED.decisive.bundle).expect("kept");
        world.phones();
        world
    }

    /// Everybody's phone is there, but for one in eight.
    fn phones(&mut self) {
        for officer in LOADED.decisive.setup.site.officers.keys() {
            let state = if self.dice.roll(8) == 0 { PhoneState::Offline } else { PhoneState::Online };
            let phone = PhoneId::parse(&format!("d_{officer}")).expect("an id");
            self.input(START, &Input::Phone(PhoneNews { officer: officer.clone(), phone, state }));
        }
        self.commit();
    }

    fn input(&mut self, at: Timestamp, input: &Input) {
        self.encoder.input(&mut self.batch, at, input).expect("fits");
        self.cause();
        let facts = self.engine.step(at, Stimulus::Input(input));
        self.keep(at, &facts);
    }

    /// Where the input that was put into the batch last will lie, as the writer says it.
    fn cause(&mut self) {
        self.engine.caused_by(self.store.position().0 + self.batch.len() as u64 - 1);
    }

    fn keep(&mut self, at: Timestamp, facts: &[Fact]) {
        for fact in facts {
            self.encoder.fact(&mut self.batch, at, fact).expect("fits");
            if let Fact::Rung { alarm, told, ring: true, .. } = fact {
                self.raised += 1;
                let Some(first) = told.first() else { continue };
                let cid = CommandId::parse(&format!("c{}-{}", self.raised, self.dice.roll(1_000_000)))
                    .expect("an id");
                let op = if self.dice.roll(4) == 0 {
                    Op::Decline { reason: String::new() }
                } else {
                    Op::Accept { eta_s: None }
                };
                let (officer, alarm) = (first.officer.clone(), Some(alarm.clone()));
                let command = Command { cid, officer, phone: None, alarm, rev: None, op };
                let after = Span::secs(self.dice.roll(900) as i64) + Span(i64::from(self.raised));
                self.plans.insert(at + after, command);
            }
        }
    }

    fn message(&mut self, at: Timestamp, topic: &str, payload: &[u8], dup: bool) {
        let body = Body::Whole(payload.to_vec().into());
        let inbound = Inbound { topic: topic.to_owned(), body, retain: false, dup, packet_id: Some(1) };
        self.encoder.message(&mut self.batch, at, (Lane::Alarm, 1), &inbound, None).expect("fits");
        let raw = RawMessage { topic, payload, at, retain: false, dup };
        let observations = match LOADED.decisive.profiles.decode(&raw) {
            Decoded::Observations(said) => said,
            Decoded::Ignored(_) | Decoded::Unmatched(_) | Decoded::Rejected { .. } => Vec::new(),
        };
        let by = Some(Way { lane: LaneName::Alarm, qos0: false });
        let stimulus = Stimulus::Said { observations: &observations, retain: false, dup, by };
        self.cause();
        let facts = self.engine.step(at, stimulus);
        self.keep(at, &facts);
    }

    /// Whatever is due before `at`: deadlines and people.
    fn until(&mut self, at: Timestamp) {
        loop {
            let deadline = self.engine.next_deadline().filter(|due| *due <= at);
            let plan = self.plans.first_key_value().map(|(due, _)| *due).filter(|due| *due <= at);
            match (deadline, plan) {
                (Some(due), plan) if plan.is_none_or(|plan| due <= plan) => self.input(due, &Input::Tick),
                (_, Some(_)) => {
                    let Some((due, command)) = self.plans.pop_first() else { return };
                    self.commands += 1;
                    self.input(due, &Input::Command(command));
                }
                (Some(_) | None, None) => return,
            }
        }
    }

    fn commit(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let claim = self.store.claim();
        self.store.append(claim, Purpose::Intake, &self.batch).expect("there is room");
        self.batch.clear();
    }

    /// The process dies after a commit, and another one goes on.
    fn crash(&mut self) {
        self.crashes += 1;
        let before = self.engine.snapshot().expect("a snapshot");
        self.store = MemoryStore::open(&self.disk, Partition(0));
        let recovered =
            recovery::recover(&self.store, &self.blobs, &self.configs, &LOADED.decisive).expect("recovers");
        assert_eq!(recovered.damage, Vec::<String>::new());
        let after = recovered.engine.snapshot().expect("a snapshot");
        if before != after {
            let (before, after) = (String::from_utf8_lossy(&before), String::from_utf8_lossy(&after));
            let at =
                before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count().saturating_sub(200);
            let part = |text: &str| text.get(at..(at + 500).min(text.len())).unwrap_or_default().to_owned();
            panic!("recovered otherwise:\n before …{}\n after  …{}", part(&before), part(&after));
        }
        self.engine = recovered.engine;
    }
}

/// Every alarm that is open has a deadline (I3).
fn no_alarm_in_limbo(engine: &Engine, seed: u64) {
    let open = engine.book().open_alarms().count();
    assert!(open == 0 || engine.next_deadline().is_some(), "seed {seed}: {open} open alarms and no deadline");
}

fn run(seed: u64) -> (Vec<u8>, Vec<u8>, [u32; 3]) {
    let mut world = World::new(seed);
    let traffic = Traffic::new(&LOADED.decisive.setup.site, Options::new(seed, START)).expect("traffic");
    for event in traffic.take_while(|event| event.at < START + LASTS) {
        let message = event.message(event.at);
        world.until(event.at);
        world.message(event.at, &message.topic, &message.payload, false);
        if world.dice.roll(20) == 0 {
            world.message(event.at, &message.topic, &message.payload, true);
        }
        if world.dice.roll(8) == 0 {
            world.commit();
            if world.dice.roll(800) == 0 {
                world.crash();
            }
        }
    }
    world.until(START + LASTS);
    world.commit();
    world.crash();
    no_alarm_in_limbo(&world.engine, seed);
    let counts = [world.crashes, world.raised, world.commands];
    (world.disk.bytes(), world.engine.snapshot().expect("a snapshot"), counts)
}

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("WANGLOU_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("WANGLOU_SEEDS").unwrap_or(3)).collect(),
    }
}

#[test]
fn each_seed_gives_the_same_bytes_twice_and_every_crash_is_recovered_from() {
    let mut total = [0u32; 3];
    for seed in seeds() {
        let (first, second) = (run(seed), run(seed));
        assert!(
            first.0 == second.0,
            "seed {seed}: the journals differ; replay with `cargo xtask sim --seed {seed}`"
        );
        assert!(first.1 == second.1, "seed {seed}: the engines differ");
        for (sum, count) in total.iter_mut().zip(first.2) {
            *sum += count;
        }
    }
    let [crashes, rung, commands] = total;
    assert!(
        crashes > 1 && rung > 0 && commands > 0,
        "nothing happened: {crashes} crashes, {rung} rungs, {commands} commands"
    );
}

#[test]
fn two_seeds_differ() {
    assert!(run(1).0 != run(2).0);
}
