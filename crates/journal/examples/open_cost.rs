//! How long an open takes with many records behind the newest snapshot, and reading them.
//!
//! `cargo run --profile bench -p wanglou-journal --example open_cost [RECORDS] [DIR]`
//!
//! The journal is written once and left without a close; then it is opened seven times, each
//! time as after a crash, with the files in the page cache.

use std::error::Error;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};
use wanglou_journal::{Batch, Class, Draft, Options, Position, Purpose, SegmentLog, Store};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let records: u64 = arguments.next().map_or(Ok(1_000_000), |records| records.parse())?;
    let dir = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from).join("wanglou-open-cost");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    write(&dir, records)?;
    let (mut opens, mut reads) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let before = now();
        let (log, recovery) = SegmentLog::open(Options::new(&dir))?;
        let opened = now();
        let mut seen = 0_u64;
        log.read_from(Position::FIRST, &mut |_| {
            seen += 1;
            ControlFlow::Continue(())
        })?;
        reads.push(now() - opened);
        opens.push(opened - before);
        assert_eq!((seen, recovery.skipped.len()), (records, 0));
    }
    opens.sort();
    reads.sort();
    println!(
        "{records} records of 300 bytes: opened in {:?}, read in {:?} (medians of 7)",
        opens[3], reads[3]
    );
    fs::remove_dir_all(&dir)?;
    Ok(())
}

fn write(dir: &PathBuf, records: u64) -> Result<(), Box<dyn Error>> {
    let (mut log, _) = SegmentLog::open(Options::new(dir))?;
    let mut batch = Batch::new();
    for first in (0..records).step_by(1000) {
        batch.clear();
        for position in first..first + 1000 {
            let at_micros = position.cast_signed();
            let (head, payload) = (&[b't'; 40][..], &[b'p'; 260][..]);
            batch.push(Draft { kind: 1, at_micros, class: Class::Erasable, head, payload })?;
        }
        log.append(log.claim(), Purpose::Intake, &batch)?;
    }
    Ok(())
}

fn now() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Monotonic);
    Duration::new(tv_sec.unsigned_abs(), u32::try_from(tv_nsec).expect("less than a second"))
}
