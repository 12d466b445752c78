//! The fronts of entries: what a record, a state and a done say.

use super::Cursor;
use crate::Id;

/// Where the body of a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyPlace {
    /// In the entry itself.
    Inline,
    /// In a file of its own.
    File(FileBody),
}

/// A body in a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileBody {
    pub(crate) id: Id,
    pub(crate) len: u64,
    pub(crate) crc: u32,
}

/// One body and the messages that use it.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// Counts batches in the order of their arrival; kept when the record moves.
    pub(crate) arrival: u64,
    pub(crate) body: BodyPlace,
    pub(crate) messages: Vec<Message<'a>>,
}

/// A message within a record.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) id: Id,
    pub(crate) meta: &'a [u8],
    pub(crate) state: &'a [u8],
}

impl<'a> Record<'a> {
    /// Returns the octets that [`Self::encode`] will append.
    pub(crate) fn size(&self) -> usize {
        let body = if matches!(self.body, BodyPlace::File(_)) { 28 } else { 0 };
        let messages: usize = self.messages.iter().map(|message| 24 + message.meta.len() + message.state.len()).sum();
        13 + body + messages
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.arrival.to_le_bytes());
        match &self.body {
            BodyPlace::Inline => out.push(0),
            BodyPlace::File(file) => {
                out.push(1);
                out.extend(file.id);
                out.extend(file.len.to_le_bytes());
                out.extend(file.crc.to_le_bytes());
            }
        }
        out.extend(length(self.messages.len()));
        for message in &self.messages {
            out.extend(message.id);
            out.extend(length(message.meta.len()));
            out.extend(length(message.state.len()));
            out.extend(message.meta);
            out.extend(message.state);
        }
    }

    /// Reads a front whose checksum held; nothing if it was never written by [`Self::encode`].
    pub(crate) fn decode(front: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor(front);
        let arrival = cursor.u64()?;
        let body = match cursor.u8()? {
            0 => BodyPlace::Inline,
            1 => BodyPlace::File(FileBody { id: cursor.id()?, len: cursor.u64()?, crc: cursor.u32()? }),
            _ => return None,
        };
        let count = cursor.u32()?;
        let messages = (0..count).map(|_| decode_message(&mut cursor)).collect::<Option<_>>()?;
        Some(Self { arrival, body, messages })
    }
}

fn decode_message<'a>(cursor: &mut Cursor<'a>) -> Option<Message<'a>> {
    let id = cursor.id()?;
    let (meta, state) = (cursor.u32()? as usize, cursor.u32()? as usize);
    Some(Message { id, meta: cursor.take(meta)?, state: cursor.take(state)? })
}

/// Reads the front of a state entry: whose, and what.
pub(crate) fn decode_state(front: &[u8]) -> Option<(Id, &[u8])> {
    let mut cursor = Cursor(front);
    Some((cursor.id()?, cursor.0))
}

/// Reads the front of a done entry.
pub(crate) fn decode_done(front: &[u8]) -> Option<Id> {
    Cursor(front).id()
}

fn length(len: usize) -> [u8; 4] {
    u32::try_from(len)
        .expect("requests that do not fit a segment are refused, and a segment is below 4 GiB")
        .to_le_bytes()
}
