//! Records on disk: JSON lines, one file a day, written by a thread of their own.
//!
//! The thread writes what has gathered and flushes when nothing more waits, so a record is in the file well within a
//! second. Delivery waits only when ten thousand records are waiting.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, SyncSender},
    thread::{self, JoinHandle},
    time::Duration,
};

use tollgate_message::Timestamp;

use crate::Record;

/// How long the thread rests after it has written: records gather meanwhile, and nobody has to wake it for each.
const REST: Duration = Duration::from_millis(20);

/// How many records may wait for the disk.
const WAITING: usize = 10_000;

/// Where records go. Dropped last, it waits until they are all in the file.
#[derive(Debug)]
pub struct Records {
    queue: Option<SyncSender<(Timestamp, Vec<u8>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Records {
    /// Starts to write into a folder, made if it is not there. Without a folder records are dropped.
    ///
    /// # Errors
    /// What the system said: the folder cannot be made or written.
    pub fn open(folder: Option<&Path>) -> io::Result<Self> {
        let Some(folder) = folder else { return Ok(Self { queue: None, thread: None }) };
        fs::create_dir_all(folder)?;
        let mut day = Day { folder: folder.to_owned(), open: None };
        day.file(&jiff::Timestamp::now().strftime("%Y-%m-%d").to_string())?;
        let (queue, waiting) = mpsc::sync_channel(WAITING);
        let thread = thread::Builder::new().name("records".to_owned()).spawn(move || write(&waiting, day))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Hands a record over.
    pub fn write(&self, record: &Record) {
        let Some(queue) = &self.queue else { return };
        let mut line = record.to_json().into_bytes();
        line.push(b'\n');
        // The writer ends only after this sender, so nothing is lost here.
        drop(queue.send((record.at, line)));
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// The file of a day.
struct Day {
    folder: PathBuf,
    open: Option<(String, BufWriter<File>)>,
}

impl Day {
    fn file(&mut self, day: &str) -> io::Result<&mut BufWriter<File>> {
        if self.open.as_ref().is_none_or(|(open, _)| open != day) {
            let path = self.folder.join(format!("{day}.jsonl"));
            let file = OpenOptions::new().append(true).create(true).open(path)?;
            if let Some((_, mut before)) = self.open.replace((day.to_owned(), BufWriter::new(file))) {
                before.flush()?;
            }
        }
        Ok(&mut self.open.as_mut().expect("opened above").1)
    }

    fn append(&mut self, at: Timestamp, line: &[u8]) -> io::Result<()> {
        let day = at.to_jiff().strftime("%Y-%m-%d").to_string();
        self.file(&day)?.write_all(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |(_, file)| file.flush())
    }
}

fn write(waiting: &Receiver<(Timestamp, Vec<u8>)>, mut day: Day) {
    while let Ok((at, line)) = waiting.recv() {
        let mut written = day.append(at, &line);
        while let (Ok(()), Ok((at, line))) = (&written, waiting.try_recv()) {
            written = day.append(at, &line);
        }
        if let Err(reason) = written.and_then(|()| day.flush()) {
            tracing::error!(%reason, "a log record could not be written");
        }
        thread::sleep(REST);
    }
}

#[cfg(test)]
mod tests {
    use tollgate_message::MessageId;
    use tollgate_smtp::Reply;

    use super::*;
    use crate::{
        Kind,
        record::{EventTime, Response},
    };

    #[test]
    fn records_are_lines_in_the_file_of_their_day() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::open(Some(folder.path())).unwrap();
        let at = Timestamp::parse_rfc3339("2031-05-06T07:08:09Z").unwrap();

        records.write(&record(at));
        drop(records);

        let text = fs::read_to_string(folder.path().join("2031-05-06.jsonl")).unwrap();
        let id = MessageId::from_bytes([0; 16]);
        let expected = format!(
            "{{\"type\":\"Delivery\",\"id\":\"{id}\",\"sender\":\"\",\"recipient\":\"u@x.com\",\"size\":3,\
             \"response\":{{\"code\":250,\"enhanced_code\":null,\"content\":\"ok\"}},\"timestamp\":1935817689,\
             \"event_time\":\"2031-05-06T07:08:09Z\",\"created\":1935817689,\"num_attempts\":1,\"generation\":1}}\n"
        );
        assert_eq!(text, expected);
    }

    fn record(at: Timestamp) -> Record {
        Record {
            kind: Kind::Delivery,
            id: MessageId::from_bytes([0; 16]),
            sender: String::new(),
            recipient: "u@x.com".to_owned(),
            queue: String::new(),
            site: String::new(),
            size: 3,
            response: Response(Reply::new(250, None, "ok").unwrap()),
            peer_address: None,
            at,
            event_time: EventTime(at),
            created: at,
            num_attempts: 1,
            egress_pool: None,
            egress_source: None,
            provider_name: None,
            source_address: None,
            reception_protocol: String::new(),
            delivery_protocol: None,
            next_due: None,
            meta: Default::default(),
            generation: 1,
            policy: Vec::new(),
        }
    }
}
