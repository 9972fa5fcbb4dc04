//! Counts the heap use of the current thread.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    static USAGE: Cell<Usage> = const { Cell::new(Usage { count: 0, live: 0, peak: 0, moved: 0 }) };
}

/// The heap use of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub count: u64,
    pub live: i64,
    pub peak: i64,
    /// The bytes that were moved because an allocation grew.
    pub moved: u64,
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Converts a number of bytes to the type of the counters.
pub fn bytes(number: usize) -> i64 {
    i64::try_from(number).expect("no allocation is that large")
}

fn grow(number: usize, count: u64) {
    let bytes = bytes(number);
    // A thread that is ending has no counter any more.
    let _ = USAGE.try_with(|usage| {
        let Usage { count: before, live, peak, moved } = usage.get();
        let live = live + bytes;
        usage.set(Usage { count: before + count, live, peak: peak.max(live), moved });
    });
}

fn shrink(number: usize) {
    let bytes = bytes(number);
    let _ =
        USAGE.try_with(|usage| usage.set(Usage { live: usage.get().live - bytes, ..usage.get() }));
}

// SAFETY: forwards every call to the system's allocator; the counters are plain cells.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size(), 1);
        // SAFETY: the caller upholds the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: the caller upholds the contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        shrink(layout.size());
        grow(size, 1);
        let moved = layout.size() as u64;
        let _ = USAGE.try_with(|usage| {
            usage.set(Usage { moved: usage.get().moved + moved, ..usage.get() });
        });
        // SAFETY: the caller upholds the contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Returns the heap use of `work`: allocations, bytes still held, peak.
pub fn measure<T>(work: impl FnOnce() -> T) -> (Usage, T) {
    let before = USAGE.with(Cell::get);
    USAGE.set(Usage { peak: before.live, ..before });
    let value = work();
    let after = USAGE.with(Cell::get);
    let usage = Usage {
        count: after.count - before.count,
        live: after.live - before.live,
        peak: after.peak - before.live,
        moved: after.moved - before.moved,
    };
    (usage, value)
}
