//! Memory and time, counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write as _;

struct Counting;

/// What takes more than this takes without end: the process ends, and says at which execution, before the machine does.
const WITHOUT_END: usize = 1 << 30;

thread_local! {
    static NOW: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
    static AT: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// Ends the process with words, without allocating.
fn without_end() -> ! {
    let (seed, execution) = AT.get();
    let mut words = [0; 160];
    let mut rest = &mut words[..];
    let _ = writeln!(rest, "memory without end: seed {seed}, execution {execution}");
    let left = rest.len();
    let _ = std::io::stderr().write_all(&words[..words.len() - left]);
    std::process::abort()
}

// SAFETY: every call goes to the system's allocator unchanged; the counters are plain cells of this thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.get() + layout.size();
        NOW.set(now);
        MOST.set(MOST.get().max(now));
        if now > WITHOUT_END {
            without_end();
        }
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.set(NOW.get().saturating_sub(layout.size()));
        // SAFETY: the caller's promise about `at` and `layout` is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What this thread is about to try, for when it does not come back.
#[expect(
    clippy::allow_attributes,
    reason = "only one of the two tests that share this file says where it is"
)]
#[allow(dead_code, reason = "see above")]
pub(crate) fn at(seed: u64, execution: u64) {
    AT.set((seed, execution));
}

/// The most bytes that were allocated at one time, beyond what was before.
pub(crate) fn peak<T>(of: impl FnOnce() -> T) -> (usize, T) {
    let before = NOW.get();
    MOST.set(before);
    let done = of();
    (MOST.get() - before, done)
}

/// CPU time of this thread in µs: what else the machine does not count.
pub(crate) fn cpu_us() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    spent.tv_sec as f64 * 1e6 + spent.tv_nsec as f64 / 1e3
}
