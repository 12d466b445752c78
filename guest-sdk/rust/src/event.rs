//! One trait for each event. A plugin implements those that it handles.

use crate::{
    Diagnostic, File, Message, PolicyError, QueueName, Reference, Refused, Reply, Settings, Throttle, Verdict,
};

/// Takes the files that the operator named for the plugin, before any event.
pub trait Configure: Sized {
    /// Reads the configuration, or says all that is wrong with it at once.
    ///
    /// # Errors
    /// Every finding, at least one of them with [`crate::Severity::Error`], and the references that could be read all the
    /// same. A list of findings alone becomes one with `?` or `.into()`.
    fn configure(files: Vec<File>) -> Result<Configured<Self>, Refused>;
}

/// A plugin with its configuration.
pub struct Configured<P> {
    /// The plugin, ready for events.
    pub plugin: P,
    /// Warnings and notes for the operator.
    pub diagnostics: Vec<Diagnostic>,
    /// Names in the configuration that the host defines and checks.
    pub references: Vec<Reference>,
}

/// A refusal without references.
impl From<Vec<Diagnostic>> for Refused {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, references: Vec::new() }
    }
}

/// Judges messages, and may edit them.
pub trait MessageReceived {
    /// Returns what becomes of the message. Edits made through `message` apply when this returns `Ok`.
    ///
    /// # Errors
    /// The reply for the sender: 4xx defers, 5xx rejects.
    fn message_received(&self, message: &Message) -> Result<Verdict, Reply>;
}

/// Sets up scheduled queues.
pub trait QueueConfig {
    /// Returns what this plugin sets for a queue, or `None` to pass; `so_far` is what the plugins before it set.
    ///
    /// # Errors
    /// Where it has no answer; the host goes on with the last good one, or without this plugin.
    fn queue_config(&self, name: &QueueName, so_far: &Settings) -> Result<Option<Settings>, PolicyError>;
}

/// Limits rates that several queues share.
pub trait Throttles {
    /// Returns the rates for a tenant and campaign, widest scope first; often empty.
    fn throttles(&self, tenant: Option<&str>, campaign: Option<&str>) -> Vec<Throttle>;
}
