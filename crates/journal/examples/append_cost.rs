//! What a durable record costs, beside a plain file with the same bytes.
//!
//! `cargo run --profile bench -p wanglou-journal --example append_cost [RECORDS] [DIR]`
//!
//! Both write records of 300 bytes and a topic of 40, in batches of 256 and 1024, one write and
//! one `fdatasync` per batch. The plain one appends length and bytes to a preallocated file: no
//! digest, no chain, no salt, no CRC. Runs are interleaved (A B A B …) and the median of seven
//! counts, because on a shared machine two runs of the same thing differ by a third.

use std::error::Error;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};
use wanglou_journal::{Batch, Class, Draft, Options, Purpose, SegmentLog, Store};

const RUNS: usize = 7;
const TOPIC: &[u8] = b"zigbee2mqtt/home-3-1203/door/and/so/on/x";
const PAYLOAD: [u8; 300] = [b'7'; 300];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let records: u64 = arguments.next().map_or(Ok(500_000), |records| records.parse())?;
    let dir = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from).join("wanglou-append-cost");
    println!("{records} records of {} + {} bytes per run, median of {RUNS} runs", TOPIC.len(), PAYLOAD.len());
    for batch_records in [256, 1024] {
        let mut ours = Vec::new();
        let mut plain = Vec::new();
        for _ in 0..RUNS {
            ours.push(measured(&dir, || journal(&dir, records, batch_records))?);
            plain.push(measured(&dir, || plain_file(&dir, records, batch_records))?);
        }
        println!("batch {batch_records:>5}  journal  {}", median(ours).per(records));
        println!("batch {batch_records:>5}  plain    {}", median(plain).per(records));
    }
    Ok(())
}

fn journal(dir: &Path, records: u64, batch_records: u64) -> Result<(), Box<dyn Error>> {
    let (mut log, _) = SegmentLog::open(Options::new(dir))?;
    let mut batch = Batch::new();
    for first in (0..records).step_by(usize::try_from(batch_records)?) {
        batch.clear();
        for position in first..first + batch_records {
            let at_micros = position.cast_signed();
            batch.push(Draft {
                kind: 1,
                at_micros,
                class: Class::Erasable,
                head: TOPIC,
                payload: &PAYLOAD,
            })?;
        }
        log.append(log.claim(), Purpose::Intake, &batch)?;
    }
    log.close()?;
    Ok(())
}

/// As good as it gets: length and bytes, one buffer, one write, one sync.
fn plain_file(dir: &Path, records: u64, batch_records: u64) -> Result<(), Box<dyn Error>> {
    const SEGMENT_BYTES: u64 = 64 << 20;
    let mut buffer = Vec::new();
    let (mut segment, mut file, mut offset) = (0, preallocated(dir, 0, SEGMENT_BYTES)?, 0);
    for _ in (0..records).step_by(usize::try_from(batch_records)?) {
        buffer.clear();
        for _ in 0..batch_records {
            buffer.extend_from_slice(&u32::try_from(TOPIC.len() + PAYLOAD.len())?.to_le_bytes());
            buffer.extend_from_slice(TOPIC);
            buffer.extend_from_slice(&PAYLOAD);
        }
        if offset + buffer.len() as u64 > SEGMENT_BYTES {
            segment += 1;
            (file, offset) = (preallocated(dir, segment, SEGMENT_BYTES)?, 0);
        }
        file.write_all_at(&buffer, offset)?;
        file.sync_data()?;
        offset += buffer.len() as u64;
    }
    Ok(())
}

fn preallocated(dir: &Path, segment: u64, bytes: u64) -> io::Result<fs::File> {
    let file = fs::File::create(dir.join(format!("plain-{segment}")))?;
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)?;
    file.sync_all()?;
    Ok(file)
}

/// What a run took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    cpu: Duration,
    wall: Duration,
}

impl Cost {
    fn per(self, records: u64) -> String {
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / records as f64;
        let rate = records as f64 / self.wall.as_secs_f64() / 1e3;
        format!(
            "{:.2} µs CPU per record, {:.2} µs in all, {rate:.0} k/s",
            micros(self.cpu),
            micros(self.wall)
        )
    }
}

fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort();
    costs[costs.len() / 2]
}

fn measured(dir: &Path, run: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<Cost, Box<dyn Error>> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(dir)?;
    let (cpu, wall) = (now(ClockId::ProcessCPUTime), now(ClockId::Monotonic));
    run()?;
    let cost = Cost { cpu: now(ClockId::ProcessCPUTime) - cpu, wall: now(ClockId::Monotonic) - wall };
    fs::remove_dir_all(dir)?;
    Ok(cost)
}

fn now(clock: ClockId) -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    Duration::new(tv_sec.unsigned_abs(), u32::try_from(tv_nsec).expect("less than a second"))
}
