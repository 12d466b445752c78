//! A guest's allocator: what events take comes from a small arena, all else from the heap.
//!
//! An event takes some dozens of short texts and gives them all back, and half of what it costs in a guest is that. Here a block
//! that is given back is the next of its size that is taken, in a few instructions, and an event touches the same few octets as
//! the one before: most write into one page, and in an instance that lives for one event each page is copied for it. The arena is
//! part of the memory that a component has from its birth: to grow by a page costs an instance that lives for one event more than
//! the event. What a configuration keeps would fill it for good, in blocks of powers of two: while a plugin is configured it is
//! closed.

#[cfg(not(target_family = "wasm"))]
use std::alloc::System as HEAP;
use std::{
    alloc::{GlobalAlloc, Layout},
    cell::{Cell, UnsafeCell},
    ptr::null_mut,
};

#[cfg(target_family = "wasm")]
use crate::heap::HEAP;

/// The smallest block and the largest, in octets, and how they are aligned.
const SMALLEST: usize = 16;
const LARGEST: usize = 2048;
const CLASSES: usize = (LARGEST / SMALLEST).ilog2() as usize + 1;
/// Octets of the arena.
const ARENA: usize = 16 << 10;
const _: () = assert!(align_of::<u128>() == SMALLEST, "the arena is aligned as blocks are");

/// Every free block holds the address of the next of its size.
type List = *mut u8;

/// The allocator of an instance. At first all of it is zero, so that a component need not bring it.
#[repr(C)]
pub(crate) struct Blocks {
    free: [Cell<List>; CLASSES],
    /// How many octets of the arena have been taken since it was whole.
    taken: Cell<usize>,
    /// How many blocks of it somebody has. When all are given back it is whole again, and the next one is its first.
    lent: Cell<usize>,
    is_closed: Cell<bool>,
    /// Aligned as blocks are, which are taken from its start: next to what is noted about them.
    arena: UnsafeCell<[u128; ARENA / SMALLEST]>,
}

// SAFETY: an instance has one thread. (A component with shared memory is not taken by the host.)
unsafe impl Sync for Blocks {}

impl Blocks {
    pub(crate) const fn new() -> Self {
        Self {
            free: [const { Cell::new(null_mut()) }; CLASSES],
            taken: Cell::new(0),
            lent: Cell::new(0),
            is_closed: Cell::new(false),
            arena: UnsafeCell::new([0; ARENA / SMALLEST]),
        }
    }

    /// Lets nothing be taken from the arena, or lets it again.
    pub(crate) fn close(&self, is_closed: bool) {
        self.is_closed.set(is_closed);
    }

    /// Returns the list of the blocks that hold what has this layout, and the size of its blocks.
    fn class(layout: Layout) -> Option<(usize, usize)> {
        if layout.size() > LARGEST || layout.align() > SMALLEST {
            return None;
        }
        let size = layout.size().next_power_of_two().max(SMALLEST);
        Some(((size / SMALLEST).ilog2() as usize, size))
    }

    fn is_of_arena(&self, block: *mut u8) -> bool {
        block.addr().wrapping_sub(self.arena.get().addr()) < ARENA
    }

    /// Returns a block of the arena; none where it is closed, or has none.
    fn take(&self, layout: Layout) -> Option<*mut u8> {
        let (class, size) = Self::class(layout).filter(|_| !self.is_closed.get())?;
        let block = self.reuse(class).or_else(|| self.cut(size))?;
        self.lent.set(self.lent.get() + 1);
        Some(block)
    }

    /// Returns the block that was put into this list last.
    fn reuse(&self, class: usize) -> Option<*mut u8> {
        let block = self.free[class].get();
        if block.is_null() {
            return None;
        }
        // SAFETY: a free block is aligned and large enough for an address, which it holds.
        self.free[class].set(unsafe { block.cast::<List>().read() });
        Some(block)
    }

    /// Returns a block out of what is not in blocks yet.
    fn cut(&self, size: usize) -> Option<*mut u8> {
        let (from, until) = (self.taken.get(), self.taken.get() + size);
        if until > ARENA {
            return None;
        }
        self.taken.set(until);
        // SAFETY: it lies within the arena.
        Some(unsafe { self.arena.get().cast::<u8>().add(from) })
    }

    /// Puts a block of the arena into its list.
    ///
    /// # Safety
    /// It was taken with this layout, and nobody uses it.
    unsafe fn give_back(&self, block: *mut u8, layout: Layout) {
        let Some((class, _)) = Self::class(layout) else { return };
        let lent = self.lent.get() - 1;
        self.lent.set(lent);
        if lent == 0 {
            self.taken.set(0);
            self.free.iter().for_each(|list| list.set(null_mut()));
        } else {
            // SAFETY: it is nobody's, aligned and large enough for an address.
            unsafe { block.cast::<List>().write(self.free[class].get()) };
            self.free[class].set(block);
        }
    }
}

// SAFETY: blocks are at least as large and as aligned as the layout wants (the arena is aligned, and sizes are multiples of the
// alignment), and are in one list or taken, never both.
unsafe impl GlobalAlloc for Blocks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller's.
        self.take(layout).unwrap_or_else(|| unsafe { HEAP.alloc(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller's; it goes back to where it came from.
        unsafe { if self.is_of_arena(block) { self.give_back(block, layout) } else { HEAP.dealloc(block, layout) } }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !self.is_of_arena(block) {
            // SAFETY: as the caller's; it came from there.
            return unsafe { HEAP.realloc(block, layout, size) };
        }
        // SAFETY: the caller says that the size is not zero, and fits.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        if Self::class(layout) == Self::class(wanted) {
            return block;
        }
        // SAFETY: both are at least as long as what is copied, and are not the same.
        unsafe {
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                block.copy_to_nonoverlapping(moved, layout.size().min(size));
                self.give_back(block, layout);
            }
            moved
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
    fn when_all_is_given_back_the_next_block_is_the_first_again() {
        let (blocks, layout) = (Blocks::new(), |size| Layout::from_size_align(size, 8).expect("a layout"));
        // SAFETY: no size is zero, and each is given back with its layout.
        let again = [16, 100, 2048].map(|size| unsafe {
            let taken = [size, 40, 700].map(|size| (blocks.alloc(layout(size)), layout(size)));
            taken.iter().for_each(|(block, layout)| blocks.dealloc(*block, *layout));
            taken[0].0
        });
        assert_eq!(again, [blocks.arena.get().cast::<u8>(); 3]);
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
            blocks.close(random(4) == 0);
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
