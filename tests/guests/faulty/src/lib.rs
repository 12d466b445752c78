//! A plugin that breaks one clause of the contract of all plugins: the one that its file names. Otherwise it accepts everything.
//!
//! The file is the name of a fault, enough `#` that half of the file still names it, and `end`.

use std::cell::{Cell, RefCell};

use tollgate_sdk::{
    Configure, Configured, Diagnostic, File, Message, MessageReceived, PolicyError, QueueConfig, QueueName, Record,
    Refused, Reply, Settings, Severity, Throttle, Throttles, Verdict, register, reject,
};

struct Faulty {
    fault: String,
    /// How many messages this instance has seen.
    seen: Cell<u32>,
    kept: RefCell<Vec<Vec<u8>>>,
}

impl Configure for Faulty {
    fn configure(files: Vec<File>) -> Result<Configured<Self>, Refused> {
        let Some(file) = files.first() else { return Err(refused(Severity::Error, "", 1)) };
        let content = String::from_utf8_lossy(&file.content);
        let (fault, is_whole) = (content.split(' ').next().unwrap_or_default(), content.ends_with("end"));
        match (fault, is_whole) {
            ("refuses", _) => Err(refused(Severity::Error, &file.name, 1)),
            ("panics-when-cut", false) => panic!("half of a file"),
            ("says-nothing-when-cut", false) => Err(Refused { diagnostics: Vec::new(), references: Vec::new() }),
            ("warns-when-cut", false) => Err(refused(Severity::Warning, &file.name, 1)),
            ("points-nowhere-when-cut", false) => Err(refused(Severity::Error, &file.name, 999)),
            ("names-another-file-when-cut", false) => Err(refused(Severity::Error, "/etc/passwd", 1)),
            (fault, true) => {
                let plugin = Self { fault: fault.to_owned(), seen: Cell::new(0), kept: RefCell::default() };
                Ok(Configured { plugin, diagnostics: Vec::new(), references: Vec::new() })
            }
            (_, false) => Err(refused(Severity::Error, &file.name, 1)),
        }
    }
}

fn refused(severity: Severity, file: &str, line: u32) -> Refused {
    let message = "this is not the file".to_owned();
    let file = Some(file.to_owned()).filter(|file| !file.is_empty());
    let diagnostic = Diagnostic { severity, file, line: Some(line), column: None, message };
    Refused { diagnostics: vec![diagnostic], references: Vec::new() }
}

impl MessageReceived for Faulty {
    fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
        self.seen.set(self.seen.get() + 1);
        match self.fault.as_str() {
            "needs-a-subject" => drop(message.first_header("Subject").expect("every message has a subject")),
            "needs-one-tenant" => assert!(message.all_headers("X-Tenant").len() < 2, "a tenant too many"),
            "needs-a-body" => assert!(!message.body(0, 1).is_empty(), "every message has a body"),
            "reads-the-whole-body" => {
                let mut read = 0;
                // No header is this long, but where it is all that there is.
                while read + (64 << 10) < message.size() {
                    read += message.body(read, 65_536).len() as u64;
                }
            }
            "needs-text" => {
                drop(String::from_utf8(message.header_bytes("X-Tenant").unwrap_or_default()).expect("UTF-8"));
            }
            "needs-a-sender" => drop(message.sender().expect("every message has a sender")),
            "copies-each-recipient" => {
                message.recipients().iter().for_each(|to| drop(message.add_header("X-To", &to.domain)));
            }
            "answers-nonsense" => return Err(Reply { code: 250, enhanced: None, text: "fine".to_owned() }),
            "remembers" if self.seen.get() > 1 => return Err(reject("5.7.1", "not you again")),
            "wears-out" => assert!(self.seen.get() < 1500, "worn out"),
            "leaks" => self.kept.borrow_mut().push(vec![1; 8192]),
            _ => {}
        }
        Ok(Verdict::Accept)
    }
}

impl QueueConfig for Faulty {
    fn queue_config(&self, name: &QueueName, _so_far: &Settings) -> Result<Option<Settings>, PolicyError> {
        if self.fault == "needs-a-tenant" {
            name.tenant.as_ref().expect("every queue has a tenant");
        }
        Ok(None)
    }
}

impl Throttles for Faulty {
    fn throttles(&self, _tenant: Option<&str>, campaign: Option<&str>) -> Vec<Throttle> {
        if self.fault == "needs-a-campaign" {
            campaign.expect("every queue has a campaign");
        }
        Vec::new()
    }
}

impl Record for Faulty {
    fn record(&self, records: Vec<String>) {
        if self.fault == "needs-a-recipient" {
            assert!(records.iter().all(|record| record.contains("recipient")), "every record has a recipient");
        }
    }
}

register!(Faulty: configure, message_received, queue_config, throttles, record);
