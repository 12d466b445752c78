//! The program as a process: started, ended by signals, started again in the same folder on the same ports.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

use super::{Folder, get, records, wait_for, wait_until};

/// A program that has said what it listens on.
pub(crate) struct Mta {
    process: Process,
    folder: Folder,
    /// The SMTP listeners, in the order of their names.
    pub(crate) listeners: Vec<SocketAddr>,
    pub(crate) http: SocketAddr,
}

impl Mta {
    /// Starts in a new folder with the configuration of [`super::TOLLGATE`].
    pub(crate) fn start(queues: &str) -> Self {
        Self::start_in(Folder::new(super::TOLLGATE, queues))
    }

    /// Starts in a folder, for the first time or again.
    pub(crate) fn start_in(folder: Folder) -> Self {
        let mut process = Process::spawn(&folder);
        let listeners = folder.listeners();
        wait_until("the program listens", || {
            assert!(process.child.try_wait().unwrap().is_none(), "the program ended");
            process.said(" on ").len() >= listeners
        });
        let smtp: Vec<SocketAddr> = process.said("listening for smtp on ");
        let http: Vec<SocketAddr> = process.said("listening for http on http://");
        folder.settle_ports(&[smtp.clone(), http.clone()].concat());
        Self { process, folder, listeners: smtp, http: http[0] }
    }

    /// Where the first listener listens.
    pub(crate) fn smtp(&self) -> SocketAddr {
        self.listeners[0]
    }

    /// Where its spool is.
    pub(crate) fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.child.id()
    }

    /// Writes a file of its configuration anew.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        self.folder.write(name, content);
    }

    /// Returns the text of a file of its configuration.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Changes a file of its configuration.
    pub(crate) fn rewrite(&self, name: &str, change: impl FnOnce(String) -> String) {
        self.folder.write(name, change(self.read(name)));
    }

    /// Returns what `check` says about a file in its folder.
    pub(crate) fn check(&self, name: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.arg("check").arg("--config").arg(self.folder.path().join(name));
        let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/cache");
        String::from_utf8(command.env("XDG_CACHE_HOME", cache).output().unwrap().stdout).unwrap()
    }

    /// Runs `tollgate plugin` about this server, in its folder; returns the exit code and what was printed.
    pub(crate) fn plugin(&self, arguments: &[&str]) -> (i32, String, String) {
        self.command(&[&["plugin"], arguments, &["--config", "tollgate.toml"]].concat())
    }

    /// As [`Folder::command`].
    pub(crate) fn command(&self, arguments: &[&str]) -> (i32, String, String) {
        self.folder.command(arguments)
    }

    /// Sends a signal, by its name without SIG.
    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Returns the lines on its standard error that hold some text.
    pub(crate) fn stderr(&self, text: &str) -> Vec<String> {
        let lines = self.process.stderr.lock().unwrap();
        lines.iter().filter(|line| line.contains(text)).cloned().collect()
    }

    /// Ends with SIGTERM.
    pub(crate) fn terminate(mut self) -> (ExitStatus, Folder) {
        self.process.signal("TERM");
        let child = &mut self.process.child;
        let status = wait_for("the program has drained", || child.try_wait().unwrap());
        (status, self.folder)
    }

    /// Ends with SIGKILL.
    pub(crate) fn kill9(self) -> Folder {
        drop(self.process);
        self.folder
    }

    /// Returns the records written so far.
    pub(crate) fn records(&self) -> Vec<Value> {
        records::read(&self.folder)
    }

    /// Waits until so many records of a kind are written, and returns all records.
    pub(crate) fn wait_for_records(&self, kind: &str, count: usize) -> Vec<Value> {
        wait_for(&format!("{count} records of {kind}"), || {
            let records = self.records();
            (records.iter().filter(|record| record["type"] == kind).count() >= count).then_some(records)
        })
    }

    /// Returns the value of a metric, by its name behind `tollgate_` with its labels; nothing for one that is not there.
    pub(crate) fn metric(&self, name: &str) -> String {
        let (_, metrics) = get(self.http, "/metrics");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("tollgate_{name} ")).map(str::to_owned));
        line.unwrap_or_default()
    }

    /// Returns how many messages are queued.
    pub(crate) fn queued(&self) -> u64 {
        self.metric("queue_messages").parse().unwrap()
    }

    /// Waits until nothing is queued.
    pub(crate) fn wait_until_empty(&self) {
        wait_until("the queues are empty", || self.queued() == 0);
    }
}

/// A child with what it has said on standard error; killed when dropped, and quoted when the test has failed.
struct Process {
    child: Child,
    stderr: Arc<Mutex<Vec<String>>>,
}

impl Process {
    fn spawn(folder: &Folder) -> Self {
        let mut child = folder.serve().spawn().unwrap();
        let stderr: Arc<Mutex<Vec<String>>> = Arc::default();
        let (lines, pipe) = (Arc::clone(&stderr), BufReader::new(child.stderr.take().unwrap()));
        thread::spawn(move || pipe.lines().map_while(Result::ok).for_each(|line| lines.lock().unwrap().push(line)));
        Self { child, stderr }
    }

    /// Returns the addresses that were said behind some words.
    fn said(&self, words: &str) -> Vec<SocketAddr> {
        let lines = self.stderr.lock().unwrap();
        let listening = lines.iter().filter(|line| line.starts_with("tollgate: listening for "));
        let address = |line: &String| line.split_once(words)?.1.trim_start_matches("http://").parse().ok();
        listening.filter_map(address).collect()
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").arg("-c").arg(kill).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is as well.
        drop(self.child.kill());
        drop(self.child.wait());
        if thread::panicking() {
            self.stderr.lock().unwrap().iter().for_each(|line| eprintln!("  said: {line}"));
        }
    }
}
