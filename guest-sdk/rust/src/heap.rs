//! What a component's allocator takes from when its arena does not serve: the standard library's algorithm, from the first free
//! octet on.
//!
//! The standard library leaves what lies between a component's statics and the end of their last page unused, up to 64 KiB, and
//! starts on a page of its own. So a small configuration lies far from all else that an event looks at, and whoever clears up
//! after an instance has more to look through.

use std::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
};

use dlmalloc::Dlmalloc;

/// Octets by which the heap grows while there is room behind the statics; later it grows by pages of Wasm.
const GRANULARITY: usize = 4096;

pub(crate) struct Heap(UnsafeCell<Dlmalloc>);

/// An instance's heap.
pub(crate) static HEAP: Heap = Heap(UnsafeCell::new({
    let mut heap = Dlmalloc::new();
    assert!(heap.set_granularity(GRANULARITY));
    heap
}));

// SAFETY: an instance has one thread. (A component with shared memory is not taken by the host.)
unsafe impl Sync for Heap {}

// SAFETY: `Dlmalloc` keeps the contract, and is not entered while it runs: it calls nothing that allocates.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller's.
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller's.
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller's.
        unsafe { (*self.0.get()).free(block, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller's.
        unsafe { (*self.0.get()).realloc(block, layout.size(), layout.align(), size) }
    }
}
