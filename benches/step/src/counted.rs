//! An allocator that counts what is in use.

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The product's allocator, with a count beside it.
#[derive(Debug)]
pub(crate) struct Counted {
    used: AtomicUsize,
}

impl Counted {
    pub(crate) const fn new() -> Self {
        Self { used: AtomicUsize::new(0) }
    }

    /// Bytes that were asked for and not given back.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

// SAFETY: every call goes to mimalloc as it came; the count is beside it.
#[expect(unsafe_code, reason = "an allocator can only be counted from within")]
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.used.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.used.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }
}
