//! The packed entries of all messages, and the slab that holds them.
//!
//! Millions of messages wait at a time, so an entry is 56 octets with no text and no allocation of its own (a schedule,
//! which few messages have, is boxed), and lists are chains through the entries. The slab grows by fixed chunks: growing
//! moves nothing, so no call stalls while hundreds of megabytes are copied.

use std::ops::{Index, IndexMut};

use tollgate_message::{MessageId, Schedule, Timestamp};

/// A message's place in the slab; reused once the message is gone.
pub(crate) type Handle = u32;
/// The absent handle: the end of a chain.
pub(crate) const NIL: Handle = u32::MAX;

const CHUNK_BITS: u32 = 12;
const CHUNK: usize = 1 << CHUNK_BITS;

/// Where a message is. It is in exactly one place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Nowhere: the entry is free, or is on its way from one place to the next within one call.
    Nowhere,
    /// In this slot of the timer wheel.
    Wheel(u32),
    /// In the list of due messages of its scheduled queue.
    Due,
    /// In the buffer of this ready queue.
    Ready(u32),
    /// In flight on this connection.
    Flight(u32),
}

/// One message.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: MessageId,
    pub(crate) due: Timestamp,
    pub(crate) schedule: Option<Box<Schedule>>,
    pub(crate) queue: u32,
    pub(crate) attempts: u32,
    pub(crate) place: Place,
    pub(super) next: Handle,
    pub(super) previous: Handle,
}

/// Millions of messages fit because an entry stays small; growing it is a decision, not an accident.
const _: () = assert!(size_of::<Entry>() <= 56, "an entry has outgrown its budget");

/// All messages of the node, by handle.
#[derive(Debug)]
pub(crate) struct Slab {
    chunks: Vec<Vec<Entry>>,
    free: Handle,
    len: usize,
}

impl Slab {
    pub(crate) const fn new() -> Self {
        Self { chunks: Vec::new(), free: NIL, len: 0 }
    }

    /// Returns how many messages there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Takes in a message, which is nowhere yet.
    pub(crate) fn insert(
        &mut self,
        id: MessageId,
        queue: u32,
        due: Timestamp,
        attempts: u32,
        schedule: Option<Box<Schedule>>,
    ) -> Handle {
        let entry = Entry { id, due, schedule, queue, attempts, place: Place::Nowhere, next: NIL, previous: NIL };
        self.len += 1;
        if self.free == NIL {
            return self.grow(entry);
        }
        let handle = self.free;
        self.free = self[handle].next;
        self[handle] = entry;
        handle
    }

    /// Frees an entry that is in no list.
    pub(crate) fn remove(&mut self, handle: Handle) {
        let free = self.free;
        let entry = &mut self[handle];
        entry.schedule = None;
        entry.place = Place::Nowhere;
        entry.queue = NIL;
        entry.next = free;
        self.free = handle;
        self.len -= 1;
    }

    /// Returns the handles of all messages of a queue, by a walk over the whole slab: for administrators' commands only.
    pub(crate) fn of_queue(&self, queue: u32) -> Vec<Handle> {
        let entries = self.chunks.iter().flatten();
        (0..).zip(entries).filter(|(_, entry)| entry.queue == queue).map(|(handle, _)| handle).collect()
    }

    fn grow(&mut self, entry: Entry) -> Handle {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let index = self.chunks.len() - 1;
        let chunk = &mut self.chunks[index];
        chunk.push(entry);
        let handle = index * CHUNK + chunk.len() - 1;
        Handle::try_from(handle).ok().filter(|handle| *handle != NIL).expect("4 billion entries do not fit in memory")
    }
}

impl Index<Handle> for Slab {
    type Output = Entry;

    fn index(&self, handle: Handle) -> &Entry {
        &self.chunks[(handle >> CHUNK_BITS) as usize][handle as usize % CHUNK]
    }
}

impl IndexMut<Handle> for Slab {
    fn index_mut(&mut self, handle: Handle) -> &mut Entry {
        &mut self.chunks[(handle >> CHUNK_BITS) as usize][handle as usize % CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_entry_is_used_again_before_the_slab_grows() {
        let mut slab = Slab::new();
        let id = MessageId::from_bytes([1; 16]);
        let first = slab.insert(id, 0, Timestamp::default(), 0, None);
        slab.insert(id, 7, Timestamp::default(), 0, None);
        slab.remove(first);

        let again = slab.insert(id, 7, Timestamp::default(), 0, None);

        assert_eq!((again, slab.len(), slab.of_queue(7), slab.of_queue(0)), (first, 2, vec![0, 1], vec![]));
    }

    #[test]
    fn handles_go_on_over_chunks() {
        let mut slab = Slab::new();
        for n in 0..2 * CHUNK + 1 {
            slab.insert(MessageId::from_bytes([0; 16]), u32::try_from(n).unwrap(), Timestamp::default(), 0, None);
        }

        let last = Handle::try_from(2 * CHUNK).unwrap();

        assert_eq!((slab[last].queue, slab[last - 1].queue), (last, last - 1));
    }
}
