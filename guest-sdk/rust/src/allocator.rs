//! A guest's allocator: lists of free blocks, one for each power of two.
//!
//! An event takes some dozens of short texts and gives them all back, and half of what it costs in a guest is that. A block that
//! is given back is the next that is taken, in a few instructions, and an event touches the same few pages as the one before.
//! The first blocks are cut from memory that the component has from its birth: to grow by a page costs an instance that lives for
//! one event more than the event. What is larger than a block is left to the standard allocator.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::UnsafeCell,
    ptr::null_mut,
};

/// The smallest block and the largest, in octets, and how they are aligned.
const SMALLEST: usize = 16;
const LARGEST: usize = 2048;
const CLASSES: usize = (LARGEST / SMALLEST).ilog2() as usize + 1;
/// How many octets blocks are cut from at a time.
const CHUNK: usize = 16 << 10;

/// Every block of a list holds the address of the next.
type List = *mut u8;

/// The allocator of an instance.
pub(crate) struct Blocks {
    /// The first chunk, aligned as blocks are.
    first: UnsafeCell<[u128; CHUNK / SMALLEST]>,
    state: UnsafeCell<State>,
}

struct State {
    free: [List; CLASSES],
    /// What blocks are cut from, and how many octets of it are left. None before the first.
    rest: *mut u8,
    left: usize,
}

// SAFETY: an instance has one thread. (A component with shared memory is not taken by the host.)
unsafe impl Sync for Blocks {}

impl Blocks {
    pub(crate) const fn new() -> Self {
        let state = State { free: [null_mut(); CLASSES], rest: null_mut(), left: 0 };
        Self { first: UnsafeCell::new([0; CHUNK / SMALLEST]), state: UnsafeCell::new(state) }
    }

    /// Returns the list of the blocks that hold what has this layout, and the size of its blocks.
    fn class(layout: Layout) -> Option<(usize, usize)> {
        if layout.size() > LARGEST || layout.align() > SMALLEST {
            return None;
        }
        let size = layout.size().next_power_of_two().max(SMALLEST);
        Some(((size / SMALLEST).ilog2() as usize, size))
    }

    /// Returns a block that nobody has had; none where there is no memory.
    ///
    /// # Safety
    /// There is no reference to the state.
    unsafe fn cut(&self, size: usize) -> *mut u8 {
        // SAFETY: there is one thread, and no other reference. The layout's size is not zero. A block lies within its chunk.
        unsafe {
            let state = &mut *self.state.get();
            if state.left < size {
                let is_first = state.rest.is_null();
                let more = || System.alloc(Layout::from_size_align_unchecked(CHUNK, SMALLEST));
                let chunk = if is_first { self.first.get().cast() } else { more() };
                if chunk.is_null() {
                    return chunk;
                }
                (state.rest, state.left) = (chunk, CHUNK);
            }
            let block = state.rest;
            (state.rest, state.left) = (block.add(size), state.left - size);
            block
        }
    }
}

// SAFETY: blocks are at least as large and as aligned as the layout wants, and are in one list or taken, never both.
unsafe impl GlobalAlloc for Blocks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((class, size)) = Self::class(layout) else {
            // SAFETY: as the caller's.
            return unsafe { System.alloc(layout) };
        };
        // SAFETY: there is one thread, and what is in a list is a block that holds the address of the next.
        unsafe {
            let head = &raw mut (*self.state.get()).free[class];
            let block = head.read();
            if block.is_null() {
                return self.cut(size);
            }
            head.write(block.cast::<List>().read());
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match Self::class(layout) {
            // SAFETY: the caller says that it is a block of this layout, so of this class, and that nobody uses it. It is aligned
            // and large enough for an address.
            Some((class, _)) => unsafe {
                let head = &raw mut (*self.state.get()).free[class];
                block.cast::<List>().write(head.read());
                head.write(block);
            },
            // SAFETY: as the caller's; it came from there.
            None => unsafe { System.dealloc(block, layout) },
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller says that the size is not zero, and fits.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (Self::class(layout), Self::class(wanted)) {
            (Some(before), Some(after)) if before == after => block,
            // SAFETY: as the caller's; it came from there.
            (None, None) => unsafe { System.realloc(block, layout, size) },
            // SAFETY: both are at least as long as what is copied, and are not the same.
            _ => unsafe {
                let moved = self.alloc(wanted);
                if !moved.is_null() {
                    block.copy_to_nonoverlapping(moved, layout.size().min(size));
                    self.dealloc(block, layout);
                }
                moved
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken, and what stands in it.
    struct Taken {
        block: *mut u8,
        layout: Layout,
        mark: u8,
    }

    impl Taken {
        fn fill(&self, from: usize) {
            // SAFETY: the block is as long as its layout says.
            (from..self.layout.size()).for_each(|at| unsafe { self.block.add(at).write(self.mark) });
        }

        fn is_whole(&self, octets: usize) -> bool {
            // SAFETY: as above.
            (0..octets).all(|at| unsafe { self.block.add(at).read() } == self.mark)
        }
    }

    #[test]
    fn blocks_are_aligned_and_never_anybody_elses() {
        let (blocks, mut taken, mut seed) = (Blocks::new(), Vec::<Taken>::new(), 1_u64);
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for step in 0..100_000 {
            let size = [1, 15, 16, 17, 100, 2048, 2049, 5000][random(8)];
            match random(3) {
                0 if !taken.is_empty() => {
                    let Taken { block, layout, mark } = taken.swap_remove(random(taken.len()));
                    assert!(Taken { block, layout, mark }.is_whole(layout.size()));
                    // SAFETY: it was taken with this layout.
                    unsafe { blocks.dealloc(block, layout) };
                }
                1 if !taken.is_empty() => {
                    let at = random(taken.len());
                    let one = &mut taken[at];
                    let before = one.layout.size();
                    // SAFETY: it was taken with this layout.
                    one.block = unsafe { blocks.realloc(one.block, one.layout, size) };
                    one.layout = Layout::from_size_align(size, one.layout.align()).expect("a layout");
                    assert!(one.is_whole(before.min(size)));
                    one.fill(before.min(size));
                }
                _ => {
                    let layout = Layout::from_size_align(size, 1 << random(6)).expect("a layout");
                    // SAFETY: the size is not zero.
                    let one = Taken { block: unsafe { blocks.alloc(layout) }, layout, mark: step as u8 };
                    assert!(one.block.addr().is_multiple_of(layout.align()));
                    one.fill(0);
                    taken.push(one);
                }
            }
        }
        // SAFETY: each was taken with its layout.
        taken.iter().for_each(|one| unsafe { blocks.dealloc(one.block, one.layout) });
    }
}
