//! The smallest useful plugin: refuses mail without a subject, and leaves a greeting on the rest.

use tollgate_sdk::{Message, MessageReceived, Reply, Verdict, register, reject};

#[derive(Default)]
struct Hello;

impl MessageReceived for Hello {
    fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
        if message.first_header("Subject").is_none_or(|subject| subject.is_empty()) {
            return Err(reject("5.6.0", "please give your mail a subject"));
        }
        let greeting = format!("to {} recipient(s)", message.recipients().len());
        message.add_header("X-Hello", &greeting).expect("the name and the text are plain ASCII");
        Ok(Verdict::Accept)
    }
}

register!(Hello: message_received);
