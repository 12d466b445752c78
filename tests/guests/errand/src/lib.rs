//! A plugin that may wait, and does as the field `X-Do` of a message says: `set KEY VALUE`, `get KEY`, `addresses HOST`, `fetch
//! URL` and so on. What the host answered is the text of a refusal. With a file, it looks up the name in it while it is
//! configured.

use tollgate_sdk::{
    Configure, Configured, File, Message, MessageReceived, PolicyError, Refused, Reply, Verdict, dns, http, kv,
    register, reject,
};

struct Errand;

impl Configure for Errand {
    fn configure(files: Vec<File>) -> Result<Configured<Self>, Refused> {
        if let Some(file) = files.first() {
            drop(dns::addresses(&String::from_utf8_lossy(&file.content)));
        }
        Ok(Configured { plugin: Self, diagnostics: Vec::new(), references: Vec::new() })
    }
}

impl MessageReceived for Errand {
    fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
        let wish = message.first_header("X-Do").unwrap_or_default();
        let (verb, object) = wish.split_once(' ').unwrap_or((&wish, ""));
        let told = match verb {
            "set" => {
                let (key, value) = object.split_once(' ').unwrap_or((object, ""));
                told(kv::set(key, value.as_bytes(), None))
            }
            "get" => told(kv::get(object).map(|value| value.map(|value| String::from_utf8_lossy(&value).into_owned()))),
            "delete" => told(kv::delete(object)),
            "fill" => told((0..900).try_for_each(|n| kv::set(&format!("{object}{n}"), &[0; 60_000], None))),
            "addresses" => told(dns::addresses(object)),
            "texts" => told(dns::texts(object)),
            "exchangers" => told(dns::mail_exchangers(object)),
            "names" => told(dns::names(object)),
            "leak" => told((0..900).try_for_each(|n| dns::texts(&format!("{n}.{object}")).map(drop))),
            "fetch" => told(http::fetch(&http::get(object)).map(|response| shown(&response))),
            "hurry" => {
                let request = http::Request { timeout_ms: Some(50), ..http::get(object) };
                told(http::fetch(&request).map(|response| shown(&response)))
            }
            "spin" => spin(),
            _ => return Ok(Verdict::Accept),
        };
        Err(reject("5.0.0", &told))
    }
}

fn shown(response: &http::Response) -> (u16, String) {
    (response.status, String::from_utf8_lossy(&response.body).into_owned())
}

fn spin() -> ! {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

/// Returns an answer of the host's, or its error, as text.
fn told<T: std::fmt::Debug>(answer: Result<T, PolicyError>) -> String {
    answer.map_or_else(|error| format!("{error:?}"), |answer| format!("{answer:?}"))
}

register!(Errand: configure, message_received);
