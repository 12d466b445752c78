//! Refuses mail that shouts, and marks the rest.

use tollgate_sdk::{
    Configure, File, Message, MessageReceived, Reply, Verdict,
    config::{Outcome, one_file},
    register, reject,
};

/// The file, read.
struct Policy {
    /// The header field that says that this policy has seen a message.
    seen: String,
    refuse_shouting: bool,
}

impl Policy {
    /// Says no to a subject in capitals alone. What is decided is decided in plain Rust, so that `cargo test` can try it.
    fn judge(&self, subject: &str) -> Result<(), Reply> {
        let mut letters = subject.chars().filter(|c| c.is_alphabetic());
        let shouts = subject.chars().filter(|c| c.is_alphabetic()).count() >= 5 && letters.all(char::is_uppercase);
        if self.refuse_shouting && shouts { Err(reject("5.7.1", "please do not shout")) } else { Ok(()) }
    }
}

impl Configure for Policy {
    fn configure(files: Vec<File>) -> Outcome<Self> {
        one_file(&files, |top, findings| {
            let seen = top.text("seen", findings).unwrap_or_else(|| "X-Seen-By".to_owned());
            let refuse_shouting = top.boolean("refuse_shouting", findings).unwrap_or(true);
            (Self { seen, refuse_shouting }, Vec::new())
        })
    }
}

impl MessageReceived for Policy {
    fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
        self.judge(&message.first_header("Subject").unwrap_or_default())?;
        // The field's name comes from the file, and may be none.
        message.add_header(&self.seen, env!("CARGO_PKG_NAME")).map_err(|_| reject("5.3.5", "wrong configuration"))?;
        Ok(Verdict::Accept)
    }
}

register!(Policy: configure, message_received);

#[cfg(test)]
mod tests {
    use tollgate_sdk::testing;

    use super::*;

    #[test]
    fn capitals_alone_are_shouting_and_one_small_letter_is_none() {
        let policy = Policy { seen: "X-Seen-By".to_owned(), refuse_shouting: true };

        let refused = ["BUY NOW!", "Buy NOW!", "OK", ""].map(|subject| policy.judge(subject).is_err());

        assert_eq!(refused, [true, false, false, false]);
    }

    #[test]
    fn what_goes_on_has_a_field_of_ours() {
        let policy = Policy { seen: "X-Seen-By".to_owned(), refuse_shouting: true };
        let message = testing::Message::to("bob@receiver.example").header("Subject", "Hello").build();

        let verdict = policy.message_received(&message);

        let lines = ["Subject: Hello".to_owned(), format!("X-Seen-By: {}", env!("CARGO_PKG_NAME"))];
        assert_eq!((verdict, testing::header_lines(&message)), (Ok(Verdict::Accept), lines.to_vec()));
    }
}
