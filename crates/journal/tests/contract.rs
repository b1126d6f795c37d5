//! Both stores meet the contract, on the real file system and in memory.

use std::path::PathBuf;
use std::sync::Arc;

use wanglou_journal::contract::Ground;
use wanglou_journal::files::Files;
use wanglou_journal::files::disk::DiskFiles;
use wanglou_journal::files::faulty::FaultyFiles;
use wanglou_journal::files::memory::MemoryFiles;
use wanglou_journal::{CounterSalt, MemoryDisk, MemoryStore, Options, Partition, SegmentLog};

struct Embedded {
    files: FaultyFiles,
    data: PathBuf,
    _dir: Option<tempfile::TempDir>,
}

impl Embedded {
    fn on_disk() -> Self {
        let dir = tempfile::tempdir().expect("a directory for the test");
        Self { files: FaultyFiles::new(Arc::new(DiskFiles)), data: dir.path().join("data"), _dir: Some(dir) }
    }

    fn in_memory() -> Self {
        let files: Arc<dyn Files> = Arc::new(MemoryFiles::default());
        Self { files: FaultyFiles::new(files), data: PathBuf::from("/data"), _dir: None }
    }
}

impl Ground for Embedded {
    type Store = SegmentLog;

    fn open(&mut self) -> SegmentLog {
        let options = Options {
            partition: Partition(5),
            segment_bytes: 8192,
            reserve_bytes: 10_000,
            files: Arc::new(self.files.clone()),
            salts: Box::new(CounterSalt::default()),
            ..Options::new(&self.data)
        };
        let (log, recovery) = SegmentLog::open(options).expect("opens");
        assert_eq!((recovery.skipped, recovery.damaged, recovery.truncated), (vec![], vec![], None));
        log
    }

    fn fill(&mut self) {
        self.files.faults().set_full(true);
    }

    fn free(&mut self) {
        self.files.faults().set_full(false);
    }
}

struct InMemory(MemoryDisk);

impl Ground for InMemory {
    type Store = MemoryStore;

    fn open(&mut self) -> MemoryStore {
        MemoryStore::open(&self.0, Partition(5))
    }

    fn fill(&mut self) {
        self.0.set_free_bytes(70_000);
    }

    fn free(&mut self) {
        self.0.set_free_bytes(u64::MAX);
    }
}

mod segment_log_on_disk {
    wanglou_journal::contract_tests!(super::Embedded::on_disk());
}

mod segment_log_in_memory_files {
    wanglou_journal::contract_tests!(super::Embedded::in_memory());
}

mod memory_store {
    wanglou_journal::contract_tests!(super::InMemory(wanglou_journal::MemoryDisk::new()));
}
