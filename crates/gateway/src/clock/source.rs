//! Where the raw times come from: the system, or the system moved ahead for a test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;
use wanglou_model::{Span, Timestamp};

/// The kernel is asked this often while its clock is not synchronised, and while it is.
const ASK_EVERY: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(60)];

/// Where the raw times come from.
pub trait Source: Send {
    /// Wall time, microseconds since the epoch.
    fn wall(&mut self) -> Timestamp;
    /// Time since the machine was started, sleep included.
    fn boot(&mut self) -> Span;
    /// Tells one start of the machine from another.
    fn boot_id(&self) -> String;
    /// Does something (a time server, a radio clock) keep the wall clock right, as far as the kernel knows?
    fn is_synchronised(&mut self) -> bool;
}

/// The system's clocks.
#[derive(Debug, Clone, Default)]
pub struct System {
    synchronised: Arc<AtomicBool>,
}

impl System {
    /// The same, with a thread of its own that asks the kernel whether its clock is synchronised; until the first
    /// answer, and where there is none, it counts as not synchronised.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn asking() -> std::io::Result<Self> {
        let system = Self::default();
        let answer = Arc::downgrade(&system.synchronised);
        std::thread::Builder::new().name("clock".into()).spawn(move || ask_on(&answer))?;
        Ok(system)
    }
}

impl Source for System {
    fn wall(&mut self) -> Timestamp {
        Timestamp(micros(rustix::time::clock_gettime(rustix::time::ClockId::Realtime)))
    }

    fn boot(&mut self) -> Span {
        Span(micros(rustix::time::clock_gettime(rustix::time::ClockId::Boottime)))
    }

    fn boot_id(&self) -> String {
        let id = std::fs::read_to_string(Path::new("/proc/sys/kernel/random/boot_id"));
        id.map(|text| text.trim().to_owned()).unwrap_or_default()
    }

    fn is_synchronised(&mut self) -> bool {
        self.synchronised.load(Relaxed)
    }
}

fn micros(time: rustix::time::Timespec) -> i64 {
    time.tv_sec.saturating_mul(1_000_000).saturating_add(time.tv_nsec / 1_000)
}

/// Asks until nobody wants to know any more.
fn ask_on(answer: &Weak<AtomicBool>) {
    let mut told = false;
    loop {
        let synchronised = match ask() {
            Ok(synchronised) => synchronised,
            Err(error) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(%error, "timedatectl does not run: nobody knows whether the clock is synchronised");
                }
                false
            }
        };
        let Some(answer) = answer.upgrade() else { return };
        answer.store(synchronised, Relaxed);
        drop(answer);
        std::thread::sleep(ASK_EVERY[usize::from(synchronised)]);
    }
}

/// The kernel tells it by adjtimex(2), which no library that we have offers without unsafe code; systemd's own
/// program reads the same, whichever daemon keeps the clock.
pub(crate) fn ask() -> std::io::Result<bool> {
    let mut command = Command::new("timedatectl");
    // It would tell the service manager of its own end.
    command.env_remove("NOTIFY_SOCKET");
    command.args(["show", "--property=NTPSynchronized", "--value"]).stdin(Stdio::null());
    Ok(is_yes(&command.output()?.stdout))
}

fn is_yes(answer: &[u8]) -> bool {
    answer.trim_ascii() == b"yes"
}

/// The system's clocks, moved ahead by the seconds that a file holds. For tests of long deadlines only: the file is
/// read anew with each look at the wall clock, and both clocks move together, as if so much time had passed.
///
/// After the seconds it may hold a word that stands for another start of the machine, and then `synchronised` or
/// `unsynchronised`, in place of what the kernel says.
#[derive(Debug)]
pub struct Shifted {
    system: System,
    file: PathBuf,
    shift: Shift,
}

#[derive(Debug, Clone)]
struct Shift {
    ahead: Span,
    boot_id: Option<String>,
    synchronised: Option<bool>,
}

impl Shifted {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or does not begin with a whole number.
    pub fn open(system: System, file: PathBuf) -> std::io::Result<Self> {
        Ok(Self { system, shift: read(&file)?, file })
    }
}

fn read(file: &Path) -> std::io::Result<Shift> {
    let text = std::fs::read_to_string(file)?;
    let mut words = text.split_whitespace();
    let ahead = words.next().unwrap_or_default().parse().map(Span::secs).map_err(std::io::Error::other)?;
    let boot_id = words.next().map(str::to_owned);
    Ok(Shift { ahead, boot_id, synchronised: words.next().map(|word| word == "synchronised") })
}

impl Source for Shifted {
    fn wall(&mut self) -> Timestamp {
        // Half a file is no reason to move: the next look finds it whole.
        if let Ok(shift) = read(&self.file) {
            self.shift = shift;
        }
        self.system.wall() + self.shift.ahead
    }

    fn boot(&mut self) -> Span {
        self.system.boot() + self.shift.ahead
    }

    fn boot_id(&self) -> String {
        self.shift.boot_id.clone().unwrap_or_else(|| self.system.boot_id())
    }

    fn is_synchronised(&mut self) -> bool {
        self.shift.synchronised.unwrap_or_else(|| self.system.is_synchronised())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_yes_means_that_the_clock_is_synchronised() {
        assert!(is_yes(b"yes\n"));
        for other in [&b"no\n"[..], b"", b"yes, perhaps", b"NTPSynchronized=yes"] {
            assert!(!is_yes(other), "{other:?}");
        }
    }

    #[test]
    fn nobody_asked_means_not_synchronised() {
        assert!(!System::default().is_synchronised());
    }
}
