//! Mailboxes of this machine, as Maildir: where a recipient's is, and a message written there for good.
//!
//! A path comes from a template of the operator's, such as `/var/mail/{{ domain_part }}/{{ local_part }}`, in the language
//! of minijinja, as KumoMTA has it. What is put in comes from envelopes and metadata, that is, from anybody, so a value is
//! always one name of a path: `/`, `%`, and control characters in it are written as `%XX`, and a path with a part `..` is
//! none. A message is in the mailbox when [`keep`] returns, whatever the power does; one that is written again, after a crash,
//! takes the place of the first as long as nobody has moved it.
//!
//! Rules: <https://cr.yp.to/proto/maildir.html>; RFC 5321 §4.4 for the `Return-Path` that final delivery adds.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read as _, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use minijinja::{Environment, UndefinedBehavior, Value};
use tollgate_message::{Address, Meta, QueueName};

use crate::{Body, OutMessage};

/// What templates may name.
pub const VARIABLES: [&str; 12] = [
    "meta",
    "queue",
    "campaign",
    "tenant",
    "domain",
    "routing_domain",
    "local_part",
    "domain_part",
    "email",
    "sender_local_part",
    "sender_domain_part",
    "sender_email",
];

/// Longest part of a path that file systems take, in octets.
const LONGEST_PART: usize = 255;

/// Why there is no mailbox.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailboxError {
    /// The recipient, or another value from outside, makes no path.
    #[error("'{0}' is no mailbox")]
    NoPath(String),
    /// The operator's template is wrong, or needs what this message has not.
    #[error("maildir_path {0}")]
    Template(String),
}

/// What a mailbox is found by.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The queue of the message.
    pub queue: &'a QueueName,
    /// Metadata of the message.
    pub meta: &'a Meta,
    /// Reverse-path; `None` is the null sender.
    pub sender: Option<&'a Address>,
    /// Whose mailbox it is.
    pub recipient: &'a Address,
}

/// Permissions of what is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Modes {
    /// Of folders; `0o700` where none is said.
    pub folder: Option<u32>,
    /// Of messages; `0o600` where none is said.
    pub file: Option<u32>,
}

/// For mail: what is not there is an error, and no part of a path.
static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(|| language(UndefinedBehavior::Strict));
/// For a template without mail, whose metadata nobody knows yet.
static SAMPLE: LazyLock<Environment<'static>> = LazyLock::new(|| language(UndefinedBehavior::Chainable));

fn language(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut language = Environment::new();
    language.set_undefined_behavior(undefined);
    language
}

/// Judges a template before any mail is there.
///
/// # Errors
/// What is wrong with it, for the operator.
pub fn judge(template: &str) -> Result<(), MailboxError> {
    let refuse = |why: String| Err(MailboxError::Template(why));
    if !template.starts_with('/') {
        return refuse(format!("'{template}' does not begin with '/'"));
    }
    let names = match LANGUAGE.template_from_str(template) {
        Ok(parsed) => parsed.undeclared_variables(false),
        Err(error) => return refuse(format!("'{template}' cannot be read: {error}")),
    };
    let mut unknown: Vec<_> = names.iter().filter(|name| !VARIABLES.contains(&name.as_str())).collect();
    unknown.sort_unstable();
    if let Some(name) = unknown.first() {
        return refuse(format!("'{template}' names `{name}`; there are {}", VARIABLES.join(", ")));
    }
    // Some of what is wrong, a filter that there is none of say, is found out only when it is used.
    let (queue, meta, someone) =
        (QueueName::parse("c:t@d.example!r.example"), Meta::new(), Address::new("u@d.example"));
    let sample = Names { queue: &queue, meta: &meta, sender: Some(&someone), recipient: &someone };
    match SAMPLE.template_from_str(template).and_then(|parsed| parsed.render(sample.values())) {
        Err(error) => refuse(format!("'{template}' cannot be used: {error}")),
        // What metadata will say is not known, and may be what is missing.
        Ok(path) if !is_path(&path) && !names.contains("meta") => {
            refuse(format!("'{template}' makes no path: it has a part that is empty, '.' or '..'"))
        }
        Ok(_) => Ok(()),
    }
}

/// Returns the path of a mailbox.
///
/// # Errors
/// [`MailboxError`].
pub fn path(template: &str, names: Names<'_>) -> Result<PathBuf, MailboxError> {
    let broken = |error: minijinja::Error| MailboxError::Template(format!("'{template}': {error}"));
    let rendered = LANGUAGE.template_from_str(template).and_then(|parsed| parsed.render(names.values()));
    let path = rendered.map_err(broken)?;
    if is_path(&path) { Ok(PathBuf::from(path)) } else { Err(MailboxError::NoPath(path)) }
}

/// Returns whether a text is a path from the root whose parts are names.
fn is_path(text: &str) -> bool {
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= LONGEST_PART;
    let parts = text.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    !text.contains('\0') && parts.is_some_and(|parts| parts.split('/').all(is_part))
}

impl Names<'_> {
    /// Returns the values of the variables; what a message has not is undefined, and may have a `default` in the template.
    fn values(&self) -> Value {
        let Names { queue, meta, sender, recipient } = self;
        let (sender_local, sender_domain, sender) = sender.map_or_else(Default::default, parts);
        let (local, domain, email) = parts(recipient);
        let meta: BTreeMap<_, _> = meta.iter().map(|(key, value)| (key.clone(), one_name(value))).collect();
        let optional =
            [("campaign", &queue.campaign), ("tenant", &queue.tenant), ("routing_domain", &queue.routing_domain)];
        let always = [
            ("queue", one_name(&queue.to_string())),
            ("domain", one_name(&queue.domain)),
            ("local_part", local),
            ("domain_part", domain),
            ("email", email),
            ("sender_local_part", sender_local),
            ("sender_domain_part", sender_domain),
            ("sender_email", sender),
        ];
        let optional = optional.into_iter().filter_map(|(name, value)| Some((name, one_name(value.as_deref()?))));
        let texts = always.into_iter().chain(optional).map(|(name, value)| (name, Value::from(value)));
        Value::from(texts.chain([("meta", Value::from(meta))]).collect::<BTreeMap<_, _>>())
    }
}

/// Returns local part, domain and the whole, each as one name of a path. Domains are compared, so they are written one way.
fn parts(address: &Address) -> (String, String, String) {
    let (local, domain) = (one_name(address.local_part()), one_name(&address.domain_key()));
    let email = if domain.is_empty() { local.clone() } else { format!("{local}@{domain}") };
    (local, domain, email)
}

/// Writes a text so that it is one name of a path, and no other text is written alike.
fn one_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_control() || matches!(c, '/' | '%') {
            name.push_str(&format!("%{:02X}", c as u32));
        } else {
            name.push(c);
        }
    }
    name
}

/// Writes a message into a mailbox, which is made if it is not there. `name`: the file's, one for each message and mailbox. Line
/// ends become those of this machine.
///
/// Blocks: it waits for the disk.
///
/// # Errors
/// What the file system says. Whether the message is in the mailbox is then not known for sure, and it may be written again.
pub fn keep(mailbox: &Path, name: &str, modes: Modes, message: OutMessage) -> io::Result<()> {
    let [fresh, new] = ["tmp", "new"].map(|folder| mailbox.join(folder));
    for folder in [&fresh, &new, &mailbox.join("cur")] {
        make_folder(folder, modes.folder)?;
    }
    let unfinished = fresh.join(name);
    let written = write(&unfinished, modes.file, message);
    let moved = written.and_then(|()| fs::rename(&unfinished, new.join(name)));
    if let Err(error) = moved {
        // It may not even be there.
        drop(fs::remove_file(&unfinished));
        return Err(error);
    }
    // Folders that others have made may not be on the disk yet. Those that are cost next to nothing.
    new.ancestors().take_while(|folder| folder.parent().is_some()).try_for_each(sync)
}

/// Has a folder's names on the disk. One that may not be read was not made here.
fn sync(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        opened => opened?.sync_all(),
    }
}

/// Makes a folder and those above it.
fn make_folder(folder: &Path, mode: Option<u32>) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    above.map_or(Ok(()), |above| make_folder(above, mode))?;
    match DirBuilder::new().mode(mode.unwrap_or(0o700)).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => return Ok(()),
        made => made?,
    }
    if let Some(mode) = mode {
        // The process's mask has a say in what is made, and none in what the operator wrote.
        fs::set_permissions(folder, Permissions::from_mode(mode))?;
    }
    above.map_or(Ok(()), sync)
}

fn write(path: &Path, mode: Option<u32>, message: OutMessage) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode.unwrap_or(0o600)).open(path)?;
    if let Some(mode) = mode {
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    let mut lines = Lines { file: io::BufWriter::new(&mut file), held: false };
    let sender = message.envelope.sender.as_deref().unwrap_or_default();
    write!(lines, "Return-Path: <{sender}>\r\n")?;
    let (head, body) = message.into_parts();
    lines.write_all(&head)?;
    match body {
        Body::Bytes(octets) => lines.write_all(&octets)?,
        Body::Reader { reader, len } => {
            if io::copy(&mut reader.take(len), &mut lines)? < len {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
    lines.finish()?;
    file.sync_all()
}

/// Writes CRLF as LF, and everything else as it is.
struct Lines<W: Write> {
    file: W,
    /// Whether a CR has been taken whose next octet has not.
    held: bool,
}

impl<W: Write> Lines<W> {
    fn finish(mut self) -> io::Result<()> {
        if self.held {
            self.file.write_all(b"\r")?;
        }
        self.file.flush()
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        for piece in octets.split_inclusive(|octet| *octet == b'\r') {
            if std::mem::take(&mut self.held) && piece.first() != Some(&b'\n') {
                self.file.write_all(b"\r")?;
            }
            let (text, held) = piece.strip_suffix(b"\r").map_or((piece, false), |text| (text, true));
            self.file.write_all(text)?;
            self.held = held;
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tollgate_message::Envelope;

    use super::*;

    fn found(template: &str, recipient: &str, queue: &str) -> Result<String, MailboxError> {
        let meta = Meta::from([("folder".to_owned(), "a/b".to_owned())]);
        let (queue, recipient) = (QueueName::parse(queue), Address::new(recipient));
        let sender = Address::new("s@Sender.Example");
        let names = Names { queue: &queue, meta: &meta, sender: Some(&sender), recipient: &recipient };
        path(template, names).map(|path| path.display().to_string())
    }

    #[test]
    fn a_path_is_made_of_the_queue_the_envelope_and_metadata() {
        let template = "/m/{{tenant}}.{{campaign | default('none')}}/{{ domain_part }}/{{local_part|lower}}/{{email}}/\
                        {{sender_email}}/{{meta.folder}}/{{queue}}";

        let path = found(template, "Joe@D.Example", "t@d.example");

        let expected = "/m/t.none/d.example/joe/Joe@d.example/s@sender.example/a%2Fb/t@d.example";
        assert_eq!(path, Ok(expected.to_owned()));
    }

    #[test]
    fn nobody_writes_outside_the_folder_that_the_operator_named() {
        let long = "x".repeat(256);
        let recipients = ["..", "../../etc/cron.d/x", "a/b", "a%2Fb", "/etc/passwd", "a\0b", ".", &long, ""];

        let paths = recipients.map(|local| found("/m/{{local_part}}/box", &format!("{local}@d.example"), "d.example"));

        let none = |text: &str| Err(MailboxError::NoPath(format!("/m/{text}/box")));
        let path = |text: &str| Ok(format!("/m/{text}/box"));
        let expected = [
            none(".."),
            path("..%2F..%2Fetc%2Fcron.d%2Fx"),
            path("a%2Fb"),
            path("a%252Fb"),
            path("%2Fetc%2Fpasswd"),
            path("a%00b"),
            none("."),
            none(&long),
            none(""),
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn what_is_wrong_with_a_template_is_told_before_there_is_mail() {
        let templates = [
            "/m/{{ email }}",
            "m",
            "/m/{{ emial }}",
            "/m/{{ email",
            "/m/{{ tenant | default('t') }}",
            "/m/{{ meta.folder }}/{{ meta.a.b }}/",
            "/m/../{{ email }}",
            "/m/{{ local_part | lowr }}",
        ];

        let told = templates.map(|template| judge(template).map_err(|error| error.to_string()));

        let there = VARIABLES.join(", ");
        assert_eq!(told[0], Ok(()));
        assert_eq!(told[1], Err("maildir_path 'm' does not begin with '/'".to_owned()));
        assert_eq!(told[2], Err(format!("maildir_path '/m/{{{{ emial }}}}' names `emial`; there are {there}")));
        assert!(told[3].as_ref().is_err_and(|text| text.starts_with("maildir_path '/m/{{ email' cannot be read: ")));
        assert_eq!(told[4..6], [Ok(()), Ok(())]);
        let no_path = "maildir_path '/m/../{{ email }}' makes no path: it has a part that is empty, '.' or '..'";
        assert_eq!(told[6], Err(no_path.to_owned()));
        assert!(
            told[7].as_ref().is_err_and(|text| text.contains("cannot be used: ") && text.contains("lowr")),
            "{told:?}"
        );
    }

    #[test]
    fn a_template_that_needs_what_a_message_has_not_says_so() {
        let error = found("/m/{{ tenant }}", "u@d.example", "d.example").map_err(|error| error.to_string());

        assert!(error.as_ref().is_err_and(|text| text.contains("undefined")), "{error:?}");
    }

    fn message(body: Body) -> OutMessage {
        let recipients = vec![Address::new("u@d.example")];
        let envelope =
            Envelope { sender: Some(Address::new("s@x.example")), recipients, smtputf8: false, eight_bit: false };
        OutMessage::new(&envelope, Bytes::from_static(b"Subject: s\r\n\r\n"), body)
    }

    #[test]
    fn a_message_is_written_whole_with_its_sender_and_line_ends_of_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let mailbox = folder.path().join("a/b");
        let body = b"one\r\ntwo\r\rthree\r\n".as_slice();
        let reader = Body::Reader { reader: Box::new(body), len: body.len() as u64 };

        let kept = ["1.x", "2.x"].into_iter().zip([Body::Bytes(Bytes::from_static(body)), reader]);
        let kept: Vec<_> =
            kept.map(|(name, body)| keep(&mailbox, name, Modes::default(), message(body)).is_ok()).collect();

        let read = ["new/1.x", "new/2.x"].map(|name| fs::read_to_string(mailbox.join(name)).unwrap());
        let expected = "Return-Path: <s@x.example>\nSubject: s\n\none\ntwo\r\rthree\n".to_owned();
        let left = fs::read_dir(mailbox.join("tmp")).unwrap().count();
        assert_eq!((kept, read, left), (vec![true, true], [expected.clone(), expected], 0));
    }

    #[test]
    fn permissions_are_those_of_the_operator_or_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let said = Modes { folder: Some(0o775), file: Some(0o664) };

        let modes = [("own", Modes::default()), ("said", said)].map(|(name, modes)| {
            let mailbox = folder.path().join(name);
            keep(&mailbox, "1", modes, message(Body::Bytes(Bytes::new()))).unwrap();
            [mailbox.clone(), mailbox.join("new/1")]
                .map(|path| fs::metadata(path).unwrap().permissions().mode() & 0o7777)
        });

        assert_eq!(modes, [[0o700, 0o600], [0o775, 0o664]]);
    }

    #[test]
    fn a_message_that_cannot_be_read_whole_is_not_in_the_mailbox() {
        let folder = tempfile::tempdir().unwrap();
        let short = Body::Reader { reader: Box::new(b"ab".as_slice()), len: 3 };

        let kept = keep(folder.path(), "1", Modes::default(), message(short));

        let files = ["tmp", "new"].map(|name| fs::read_dir(folder.path().join(name)).unwrap().count());
        assert_eq!((kept.map_err(|error| error.kind()), files), (Err(io::ErrorKind::UnexpectedEof), [0, 0]));
    }
}
