//! Messages that were just accepted, kept in memory until their first attempt, so that fresh mail is not read back.
//!
//! Bounded in octets: beyond that, a message is read from the spool like any other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use tollgate_message::MessageId;

use super::stored::{StoredMeta, StoredState};

/// Most octets of bodies kept.
const LIMIT: usize = 128 << 20;

/// A message with what it takes to send it.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) meta: Arc<StoredMeta>,
    pub(crate) state: StoredState,
    /// The stored octets, unless they are in a file of their own.
    pub(crate) octets: Option<Bytes>,
}

#[derive(Debug, Default)]
pub(crate) struct Fresh {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    items: HashMap<MessageId, Item>,
    octets: usize,
}

impl Fresh {
    /// Keeps a message where there is room.
    pub(crate) fn put(&self, id: MessageId, item: Item) {
        let size = size(&item);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.octets + size <= LIMIT {
            kept.octets += size;
            kept.items.insert(id, item);
        }
    }

    /// Takes a message out.
    pub(crate) fn take(&self, id: MessageId) -> Option<Item> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let item = kept.items.remove(&id)?;
        kept.octets -= size(&item);
        Some(item)
    }
}

/// What an item weighs: its body, and roughly the rest.
fn size(item: &Item) -> usize {
    item.octets.as_ref().map_or(0, Bytes::len) + 1024
}
