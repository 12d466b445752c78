//! Events as they are put to the plugins of a server, written down: files that `plugin run` and `plugin replay` read.
//!
//! A [`Capture`] stands around a plugin and writes what it is asked, one line an event, into `NAME.jsonl`, then asks it. So each
//! plugin's file has what that plugin saw, edits of those before it included. Mail does not wait for the disk: what the
//! writer cannot keep up with is dropped and counted. Credentials and log records are never written.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use serde_json::Value;
use tollgate_message::{Draft, Edits, QueueName, Received};
use tollgate_policy::{
    Answer, Events, Failure, Metric, Placement, Plugin, Settings, Throttle, Vitals,
    event::{
        egress::{PathSettings, PoolAnswer, SourceAnswer, Way},
        record::Batch,
        requeue::{Changes, Queued},
        smtp_session::{self, Credentials, Identified, OpenSession, Question},
    },
};

use crate::event::{Redaction, of_message, of_queue, of_requeue, of_session, of_throttles};

/// What is written down, and where.
#[derive(Clone, PartialEq, Debug)]
pub struct Wanted {
    /// The folder of the files.
    pub folder: PathBuf,
    /// How much of what is asked is written down, from 0 to 1.
    pub share: f64,
    /// The headers whose values are kept.
    pub headers: Vec<String>,
    /// Whether what is people's own is left out.
    pub redact: bool,
    /// Octets of all files together that are written at the most, since the start.
    pub most: u64,
}

/// How many events may wait for the disk.
const WAITING: usize = 1024;

/// A place where events are written down. The thread behind it ends with this.
pub struct Capture {
    wanted: Wanted,
    redaction: Redaction,
    lines: SyncSender<(Arc<str>, Value)>,
    dropped: AtomicU64,
}

impl Capture {
    /// Makes the folder and starts to write there.
    ///
    /// # Errors
    /// What the system said: no folder, no thread.
    pub fn start(wanted: Wanted) -> io::Result<Arc<Self>> {
        fs::create_dir_all(&wanted.folder)?;
        let mut key = [0; 32];
        File::open("/dev/urandom")?.read_exact(&mut key)?;
        let redaction = if wanted.redact { Redaction::keeping(wanted.headers.clone(), key) } else { Redaction::none() };
        let (lines, taken) = sync_channel(WAITING);
        let (folder, most) = (wanted.folder.clone(), wanted.most);
        thread::Builder::new().name("capture".to_owned()).spawn(move || write(&folder, most, &taken))?;
        Ok(Arc::new(Self { wanted, redaction, lines, dropped: AtomicU64::new(0) }))
    }

    /// Returns what was wanted.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Returns a plugin whose events are written down.
    #[must_use]
    pub fn of(self: &Arc<Self>, plugin: Arc<dyn Plugin>) -> Arc<dyn Plugin> {
        let name = Arc::from(plugin.name());
        Arc::new(Captured { capture: Arc::clone(self), name, plugin })
    }

    /// Returns how many events the writer could not keep up with.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Writes an event down, if the lot falls on it.
    fn note(&self, plugin: &Arc<str>, event: impl FnOnce(&Redaction) -> Value) {
        if fastrand::f64() >= self.wanted.share {
            return;
        }
        if self.lines.try_send((Arc::clone(plugin), event(&self.redaction))).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes lines until nobody sends any, or there is no room for more.
fn write(folder: &Path, most: u64, taken: &Receiver<(Arc<str>, Value)>) {
    let (mut files, mut left): (BTreeMap<Arc<str>, File>, u64) = (BTreeMap::new(), most);
    while let Ok((plugin, event)) = taken.recv() {
        let line = format!("{event}\n");
        let Some(rest) = left.checked_sub(line.len() as u64) else {
            tracing::warn!(folder = %folder.display(), most, "as many octets of events are written as may be (capture.max_size)");
            return;
        };
        left = rest;
        let written = file(&mut files, folder, &plugin).and_then(|file| file.write_all(line.as_bytes()));
        if let Err(reason) = written {
            tracing::warn!(folder = %folder.display(), %reason, "events are no longer written down");
            return;
        }
    }
}

/// Returns the file of a plugin. What is in it may be people's own, so nobody else may read it.
fn file<'a>(files: &'a mut BTreeMap<Arc<str>, File>, folder: &Path, plugin: &Arc<str>) -> io::Result<&'a mut File> {
    if !files.contains_key(plugin) {
        // A tenant's name is the operator's word, and may hold anything.
        let plain = |c: char| if c.is_alphanumeric() || "-_.@".contains(c) { c } else { '-' };
        let name: String = plugin.trim_start_matches('.').chars().map(plain).collect();
        let path = folder.join(format!("{name}.jsonl"));
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        files.insert(Arc::clone(plugin), file);
    }
    Ok(files.get_mut(plugin).expect("it has just been put there"))
}

/// A plugin whose events are written down before it is asked.
struct Captured {
    capture: Arc<Capture>,
    name: Arc<str>,
    plugin: Arc<dyn Plugin>,
}

impl Captured {
    fn note(&self, event: impl FnOnce(&Redaction) -> Value) {
        self.capture.note(&self.name, event);
    }
}

impl Plugin for Captured {
    fn name(&self) -> &str {
        self.plugin.name()
    }

    fn events(&self) -> Events {
        self.plugin.events()
    }

    fn placement(&self) -> Placement {
        self.plugin.placement()
    }

    fn digest(&self) -> String {
        self.plugin.digest()
    }

    fn vitals(&self) -> Vitals {
        self.plugin.vitals()
    }

    fn take_snapshot(&self) -> Result<(), String> {
        self.plugin.take_snapshot()
    }

    fn metrics(&self) -> Vec<Metric> {
        self.plugin.metrics()
    }

    fn message_received(&self, received: &Arc<Received>, edits: Edits) -> Result<(Edits, Answer), Failure> {
        self.note(|redaction| of_message(&Draft { received: Arc::clone(received), edits: edits.clone() }, redaction));
        self.plugin.message_received(received, edits)
    }

    fn queue_config(&self, name: &QueueName, so_far: &Settings) -> Result<Option<Settings>, Failure> {
        self.note(|_| of_queue(name, so_far));
        self.plugin.queue_config(name, so_far)
    }

    fn throttles(&self, tenant: Option<&str>, campaign: Option<&str>) -> Result<Vec<Throttle>, Failure> {
        self.note(|_| of_throttles(tenant, campaign));
        self.plugin.throttles(tenant, campaign)
    }

    fn smtp_session(&self, session: &Arc<OpenSession>, question: &Question) -> Result<smtp_session::Answer, Failure> {
        self.note(|redaction| of_session(session, question, redaction));
        self.plugin.smtp_session(session, question)
    }

    fn auth(&self, session: &Arc<OpenSession>, credentials: &Credentials) -> Result<Identified, Failure> {
        self.plugin.auth(session, credentials)
    }

    fn egress_pool(&self, name: &str) -> Result<Option<PoolAnswer>, Failure> {
        self.note(|_| serde_json::json!({ "event": "egress", "pool": name }));
        self.plugin.egress_pool(name)
    }

    fn egress_source(&self, name: &str) -> Result<Option<SourceAnswer>, Failure> {
        self.note(|_| serde_json::json!({ "event": "egress", "source": name }));
        self.plugin.egress_source(name)
    }

    fn egress_path(&self, way: &Way, so_far: &PathSettings) -> Result<Option<PathSettings>, Failure> {
        let Way { domain, source, site } = way;
        self.note(|_| serde_json::json!({ "event": "egress", "domain": **domain, "source": **source, "site": site }));
        self.plugin.egress_path(way, so_far)
    }

    fn requeue(&self, queued: &Arc<Queued>, changes: Changes) -> Result<Changes, Failure> {
        self.note(|redaction| of_requeue(queued, redaction));
        self.plugin.requeue(queued, changes)
    }

    fn record(&self, records: &Batch) -> Result<(), Failure> {
        self.plugin.record(records)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tollgate_message::Timestamp;
    use tollgate_policy::{Verdict, scripted::Scripted};

    use super::*;
    use crate::Event;

    fn wanted(folder: &Path) -> Wanted {
        Wanted {
            folder: folder.to_owned(),
            share: 1.0,
            headers: vec!["X-Tenant".to_owned()],
            redact: true,
            most: 1 << 20,
        }
    }

    /// Ends a capture and returns what it wrote of a plugin.
    fn written(capture: Arc<Capture>, plugin: Arc<dyn Plugin>, path: &Path, lines: usize) -> String {
        drop((capture, plugin));
        loop {
            let text = fs::read_to_string(path).unwrap_or_default();
            if text.lines().count() >= lines && text.ends_with('\n') {
                return text;
            }
            thread::yield_now();
        }
    }

    #[test]
    fn what_a_plugin_is_asked_is_written_and_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let capture = Capture::start(wanted(folder.path())).unwrap();
        let plugin = Scripted::new("../a tenant").on_message(|_, _| Ok(Ok(Verdict::Accept))).on_queue(|_| Ok(None));
        let plugin = capture.of(Arc::new(plugin));
        let message =
            json!({ "recipients": ["ann@d.example"], "headers": [["X-Tenant", "one"], ["Subject", "secret"]] });
        let events = [message, json!({ "event": "queue-config", "queue": "one@d.example" })];
        let events = events.map(|event| Event::read(event.as_object().unwrap(), Timestamp::from_millis(0)).unwrap());
        let answers = events.iter().map(|event| crate::ask(&*plugin, event).answer.is_ok()).collect::<Vec<_>>();

        let text = written(capture, plugin, &folder.path().join("-a-tenant.jsonl"), 2);

        let again: Vec<_> = text.lines().map(|line| Event::parse("", line, Timestamp::from_millis(9))).collect();
        assert_eq!((answers, again.iter().all(Result::is_ok)), (vec![true, true], true), "{text}");
        assert_eq!([text.contains("secret"), text.contains("ann@"), text.contains("\"one\"")], [false, false, true]);
    }

    #[test]
    fn no_more_is_written_than_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let capture = Capture::start(Wanted { most: 150, ..wanted(folder.path()) }).unwrap();
        let plugin = capture.of(Arc::new(Scripted::new("p").on_queue(|_| Ok(None))));
        (0..10).for_each(|_| drop(plugin.queue_config(&QueueName::parse("one@d.example"), &Settings::default())));

        let text = written(capture, plugin, &folder.path().join("p.jsonl"), 2);

        assert_eq!(text.lines().count(), 2, "{text}");
    }
}
