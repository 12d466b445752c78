//! The word that the program ends, from one sender to any number of tasks.
//!
//! It is said once and stays said. A lost [`Trigger`] says it too, so that no task outlives whoever could stop it.

use tokio::sync::watch;

/// Says the word.
#[derive(Debug)]
pub struct Trigger(watch::Sender<bool>);

/// Hears the word.
#[derive(Debug, Clone)]
pub struct Signal(watch::Receiver<bool>);

/// Returns both ends.
#[must_use]
pub fn channel() -> (Trigger, Signal) {
    let (sender, receiver) = watch::channel(false);
    (Trigger(sender), Signal(receiver))
}

impl Trigger {
    /// Says that the program ends. Saying it again changes nothing.
    pub fn fire(&self) {
        self.0.send_replace(true);
    }
}

impl Signal {
    /// Returns whether the word was said.
    #[must_use]
    pub fn fired(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Returns once the word was said.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn wait(&mut self) {
        // An error means that the trigger is gone, which is the word as well.
        let _ = self.0.wait_for(|fired| *fired).await;
    }
}
