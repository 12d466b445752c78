//! A plugin that is told of messages in brief. Its file has a question on each line (`take-header X-Try`); without one, it asks
//! for the field `X-Try`, and does what that says (`add NAME: VALUE`). To `tell` is to refuse with all answers. Of a queue it sets
//! what the campaign says.

use tollgate_sdk::{
    Answer, Configure, Configured, Edit, File, MessageBrief, PolicyError, QueueBrief, QueueName, Refused, Reply,
    Setting, Verdict, Written, brief::Question, register, reject,
};

#[path = "../../greedy/src/setting.rs"]
mod setting;

use setting::setting;

struct Curt(Vec<Question>);

impl Configure for Curt {
    fn configure(files: Vec<File>) -> Result<Configured<Self>, Refused> {
        let file = files.first().map_or(&b"header X-Try"[..], |file| &file.content);
        let questions = String::from_utf8_lossy(file).lines().map(question).collect();
        Ok(Configured { plugin: Self(questions), diagnostics: Vec::new(), references: Vec::new() })
    }
}

fn question(line: &str) -> Question {
    let (verb, name) = line.split_once(' ').unwrap_or((line, ""));
    let name = name.to_owned();
    match verb {
        "may-relay" => Question::MayRelay,
        "authz-id" => Question::AuthzId,
        "domain" => Question::Domain,
        "take-header" => Question::TakeHeader(name),
        "take-schedule" => Question::TakeSchedule(name),
        "meta" => Question::Meta(name),
        _ => Question::Header(name),
    }
}

impl MessageBrief for Curt {
    fn questions(&self) -> Vec<Question> {
        self.0.clone()
    }

    fn judge(&self, answers: Vec<Answer>, edits: &mut Vec<Edit>) -> Result<Verdict, Reply> {
        let Some(Answer::Text(Some(wish))) = answers.first() else { return Err(tell(&answers)) };
        let (verb, object) = wish.split_once(' ').unwrap_or((wish, ""));
        let (name, value) = object.split_once(": ").unwrap_or((object, ""));
        // A field holds no line end; what is to have one says so.
        let (name, value) = (name.replace("\\r\\n", "\r\n"), value.replace("\\r\\n", "\r\n"));
        match verb {
            "tell" => return Err(tell(&answers)),
            "add" => edits.push(Edit::AddHeader((name, value))),
            "replace" => edits.push(Edit::ReplaceHeader((name, value))),
            "remove" => edits.push(Edit::RemoveHeader(name)),
            "set" => edits.push(Edit::SetMeta((name, Some(value)))),
            "unset" => edits.push(Edit::SetMeta((name, None))),
            "flood" => edits.extend((0..200).map(|_| Edit::AddHeader(("X-Flood".to_owned(), "x".repeat(500))))),
            "edit-too-much" => edits.extend((0..1001).map(|_| Edit::RemoveHeader("X-Not-There".to_owned()))),
            "discard" => return Ok(Verdict::Discard),
            "hold" => return Ok(Verdict::Hold("told to".to_owned())),
            "reject-what-it-edits" => {
                edits.push(Edit::RemoveHeader("Subject".to_owned()));
                return Err(reject("5.7.1", "told to"));
            }
            "reject-with-250" => return Err(Reply { code: 250, enhanced: None, text: "fine".to_owned() }),
            "panic" => panic!("told to panic"),
            "panic-at-length" => panic!("{}", "ü\n".repeat(5000)),
            _ => {}
        }
        Ok(Verdict::Accept)
    }
}

fn tell(answers: &[Answer]) -> Reply {
    let answer = |answer: &Answer| match answer {
        Answer::Flag(flag) => flag.to_string(),
        Answer::Text(None) => "none".to_owned(),
        Answer::Text(Some(text)) if text.len() > 40 => format!("{} octets", text.len()),
        Answer::Text(Some(text)) => text.clone(),
        Answer::TooLong(octets) => format!("{octets} too long"),
    };
    reject("5.0.0", &answers.iter().map(answer).collect::<Vec<_>>().join(", "))
}

impl QueueBrief for Curt {
    fn queue_settings(&self, name: &QueueName) -> Result<Option<Vec<Written>>, PolicyError> {
        match name.campaign.as_deref().unwrap_or_default() {
            "pass" => Ok(None),
            "error" => Err(PolicyError::Other("told to".to_owned())),
            "set too much" => Ok(Some((0..1001).map(|_| (Setting::MaxAge(60_000), None)).collect())),
            wish => Ok(Some(setting(wish).into_iter().collect())),
        }
    }
}

register!(Curt: configure, message_brief, queue_brief);
