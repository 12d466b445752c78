//! A plugin that does whatever the field `X-Do` of a message says. It edits the message first, so that a test can see that
//! nothing is left of an edit when the plugin fails.

use std::cell::RefCell;

use tollgate_sdk::{
    Answer, Configure, Configured, Diagnostic, File, Message, MessageReceived, PolicyError, Question, QueueConfig,
    QueueName, Refused, Reply, Settings, Severity, Verdict, register, reject,
};

struct Rogue {
    /// How often this instance was called.
    calls: RefCell<u32>,
    /// Whether it names a pool that nobody was told of.
    makes_up_a_pool: bool,
}

impl Configure for Rogue {
    fn configure(files: Vec<File>) -> Result<Configured<Self>, Refused> {
        match files.first().map(|file| file.content.as_slice()) {
            Some(b"refuse") => Err(Refused::from(vec![Diagnostic {
                severity: Severity::Error,
                file: Some(files[0].name.clone()),
                line: Some(1),
                column: Some(1),
                message: "told to refuse".to_owned(),
            }])),
            Some(b"panic") => panic!("told to panic while it is configured"),
            Some(b"clock") => {
                tollgate_sdk::clock::now_ms();
                unreachable!("the clock traps while a plugin is configured")
            }
            Some(b"loop") => forever(),
            content => Ok(Configured {
                plugin: Self { calls: RefCell::new(0), makes_up_a_pool: content == Some(b"pool") },
                diagnostics: Vec::new(),
                references: Vec::new(),
            }),
        }
    }
}

/// Asks for one large field many times at once: a small question for an answer of many times a message. Returns how often it
/// was told.
fn ask(message: &Message) -> usize {
    let answers = message.ask(&vec![Question::Header("X-Large".to_owned()); 500]);
    answers.iter().filter(|answer| matches!(answer, Answer::Text(Some(_)))).count()
}

impl MessageReceived for Rogue {
    fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
        *self.calls.borrow_mut() += 1;
        message.remove_header("Subject");
        message.add_header("X-Rogue", "was here").expect("plain ASCII");
        message.set_meta("tenant", Some("rogue")).expect("plain text");
        match message.first_header("X-Do").as_deref().unwrap_or("accept") {
            "accept" => Ok(Verdict::Accept),
            "discard" => Ok(Verdict::Discard),
            "hold" => Ok(Verdict::Hold("told to".to_owned())),
            "reject" => Err(reject("5.7.1", "told to")),
            "reject with 250" => Err(Reply { code: 250, enhanced: None, text: "fine".to_owned() }),
            "reject with another class" => {
                Err(Reply { code: 550, enhanced: Some("4.0.0".to_owned()), text: String::new() })
            }
            "inject" => Err(reject("5.7.1", "one\r\n250 two")),
            "panic" => panic!("told to panic"),
            "loop" => forever(),
            "recurse" => Err(reject("5.0.0", &recurse(0).to_string())),
            "allocate" => Err(reject("5.0.0", &allocate().to_string())),
            "ask" => Err(reject("5.0.0", &ask(message).to_string())),
            "call" => Err(reject("5.0.0", &call(message).to_string())),
            "hand over" => Err(reject("5.0.0", &"x".repeat(2 << 20))),
            "smuggle" => Err(reject("5.0.0", &format!("{:?}", message.add_header("X-A", "a\r\nBcc: b")))),
            "flood header" => Err(reject("5.0.0", &format!("{:?}", flood(message)))),
            "count" => Err(reject("5.0.0", &self.calls.borrow().to_string())),
            other => Err(reject("5.0.0", &format!("cannot {other}"))),
        }
    }
}

impl QueueConfig for Rogue {
    fn queue_config(&self, name: &QueueName, so_far: &Settings) -> Result<Option<Settings>, PolicyError> {
        let settings = Settings::new();
        match name.domain.as_str() {
            "pass.example" => return Ok(None),
            "error.example" => return Err(PolicyError::Other("told to".to_owned())),
            "short.example" => settings.set_retry_interval(500, None)?,
            "loop.example" => forever(),
            "same.example" => return Ok(so_far.get_duration("max_age").map(|_| settings)),
            "example.com" if self.makes_up_a_pool => settings.set_egress_pool("nowhere", None)?,
            _ => settings.set_max_age(3_600_000, Some("rogue.toml:7"))?,
        }
        Ok(Some(settings))
    }
}

fn forever() -> ! {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

fn recurse(depth: u64) -> u64 {
    if depth == u64::MAX { 0 } else { 1 + recurse(std::hint::black_box(depth + 1)) }
}

fn allocate() -> usize {
    let mut kept = Vec::new();
    loop {
        kept.push(std::hint::black_box(vec![1_u8; 1 << 20]));
        if kept.len() > 4096 {
            return kept.len();
        }
    }
}

fn call(message: &Message) -> u64 {
    (0..1_000_000).map(|_| message.size()).sum()
}

fn flood(message: &Message) -> Result<(), PolicyError> {
    (0..1000).try_for_each(|_| message.add_header("X-Flood", &"x".repeat(1000)))
}

register!(Rogue: configure, message_received, queue_config);
