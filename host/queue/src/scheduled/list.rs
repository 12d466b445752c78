//! A first-in-first-out list of messages, chained through their entries.
//!
//! Joining, leaving (from the middle too) and counting take constant time and no memory. A list does not know which
//! messages are in it: the entry's [`super::entry::Place`] does, and the caller keeps the two together.

use super::entry::{Handle, NIL, Slab};

/// The two ends of a chain of entries, and its length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    head: Handle,
    tail: Handle,
    len: u32,
}

impl List {
    pub(crate) const fn new() -> Self {
        Self { head: NIL, tail: NIL, len: 0 }
    }

    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the first message, which stays.
    pub(crate) fn front(&self) -> Option<Handle> {
        (self.head != NIL).then_some(self.head)
    }

    /// Returns the messages from the first to the last.
    pub(crate) fn iter(self, slab: &Slab) -> impl Iterator<Item = Handle> {
        std::iter::successors(self.front(), |handle| Some(slab[*handle].next).filter(|next| *next != NIL))
    }

    pub(crate) fn push_back(&mut self, slab: &mut Slab, handle: Handle) {
        slab[handle].next = NIL;
        slab[handle].previous = self.tail;
        match self.tail {
            NIL => self.head = handle,
            tail => slab[tail].next = handle,
        }
        self.tail = handle;
        self.len += 1;
    }

    pub(crate) fn push_front(&mut self, slab: &mut Slab, handle: Handle) {
        slab[handle].previous = NIL;
        slab[handle].next = self.head;
        match self.head {
            NIL => self.tail = handle,
            head => slab[head].previous = handle,
        }
        self.head = handle;
        self.len += 1;
    }

    pub(crate) fn pop_front(&mut self, slab: &mut Slab) -> Option<Handle> {
        let handle = (self.head != NIL).then_some(self.head)?;
        self.remove(slab, handle);
        Some(handle)
    }

    /// Takes out a message that is in this list.
    pub(crate) fn remove(&mut self, slab: &mut Slab, handle: Handle) {
        let (next, previous) = (slab[handle].next, slab[handle].previous);
        match previous {
            NIL => self.head = next,
            previous => slab[previous].next = next,
        }
        match next {
            NIL => self.tail = previous,
            next => slab[next].previous = previous,
        }
        self.len -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;
    use tollgate_message::{MessageId, Timestamp};

    use super::*;

    proptest! {
        #[test]
        fn a_list_is_a_queue_that_gives_up_any_member(steps in proptest::collection::vec((0..4_u8, any::<usize>()), 0..60)) {
            let (mut slab, mut list, mut model) = (Slab::new(), List::new(), VecDeque::new());

            for (step, pick) in steps {
                let mut fresh = || slab.insert(MessageId::from_bytes([0; 16]), 0, Timestamp::default(), 0, None);
                match step {
                    0 => { let handle = fresh(); list.push_back(&mut slab, handle); model.push_back(handle); }
                    1 => { let handle = fresh(); list.push_front(&mut slab, handle); model.push_front(handle); }
                    2 => prop_assert_eq!(list.pop_front(&mut slab), model.pop_front()),
                    _ if model.is_empty() => {}
                    _ => {
                        let handle = model.remove(pick % model.len()).unwrap();
                        list.remove(&mut slab, handle);
                    }
                }
                prop_assert_eq!(list.len() as usize, model.len());
            }

            let rest: Vec<_> = std::iter::from_fn(|| list.pop_front(&mut slab)).collect();
            prop_assert_eq!(rest, Vec::from(model));
        }
    }
}
