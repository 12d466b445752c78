//! A folder with a configuration, which outlives the processes that run in it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A port that is to become a port of its own.
const ANY: &str = "127.0.0.1:0";

/// The folder, removed when dropped.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// Writes `tollgate.toml` and `queues.toml` into a new folder.
    pub(crate) fn new(tollgate: &str, queues: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("tollgate.toml", tollgate);
        folder.write("queues.toml", queues);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path().join("tollgate.toml")
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), content).unwrap();
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Returns the command that serves this configuration, with its standard error open to be read.
    pub(crate) fn serve(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.arg("serve").arg("--config").arg(self.config());
        command.env_remove("TOLLGATE_LOG").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Runs a command of the program in this folder; returns the exit code and what was printed.
    pub(crate) fn command(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.args(arguments).current_dir(self.path()).env_remove("TOLLGATE_ENDPOINT");
        let output = command.output().unwrap();
        let text = |octets| String::from_utf8(octets).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Returns what `explain` says to a question.
    pub(crate) fn explain(&self, question: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.arg("explain").arg("--config").arg(self.config()).args(question).args(["--color", "never"]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    }

    /// Returns how many sockets the configuration listens on.
    pub(crate) fn listeners(&self) -> usize {
        fs::read_to_string(self.config()).unwrap().lines().filter(|line| line.starts_with("listen =")).count()
    }

    /// Writes the ports that were found into the configuration, so that the next start has the same.
    pub(crate) fn settle_ports(&self, found: &[SocketAddr]) {
        let mut text = fs::read_to_string(self.config()).unwrap();
        for address in found {
            if !text.contains(&format!("\"{address}\"")) {
                text = text.replacen(ANY, &address.to_string(), 1);
            }
        }
        self.write("tollgate.toml", text);
    }
}
