//! A tenant's component that wants what it may not have: of a message, what its field `X-Try` says (`add NAME: VALUE`); of a
//! queue, what its campaign says; with `apply` before it, it is one of several changes. What the host answered stands in the field `X-Tried`, or in the failure.

use tollgate_sdk::{
    Edit, Message, MessageReceived, PolicyError, QueueConfig, QueueName, Rate, RefreshStrategy, Reply, Settings,
    Verdict, register, reject,
};

mod setting;

use setting::setting;

#[derive(Default)]
struct Greedy;

impl MessageReceived for Greedy {
    fn message_received(&self, message: &Message) -> Result<Verdict, Reply> {
        let wish = message.first_header("X-Try").unwrap_or_default();
        let (is_batch, wish) = wish.strip_prefix("apply ").map_or((false, wish.as_str()), |wish| (true, wish));
        let (verb, object) = wish.split_once(' ').unwrap_or((wish, ""));
        let (name, value) = object.split_once(": ").unwrap_or((object, ""));
        // A field holds no line end; what is to have one says so.
        let (name, value) = (name.replace("\\r\\n", "\r\n"), value.replace("\\r\\n", "\r\n"));
        let granted = match verb {
            _ if is_batch => message.apply(&batch(verb, name, value)),
            "" => message.add_header("X-Greedy", "was here"),
            "add" => message.add_header(&name, &value),
            "replace" => message.replace_header(&name, &value),
            "remove" if message.remove_header(&name) == 0 => Err(PolicyError::Other("not there".to_owned())),
            "set" => message.set_meta(&name, Some(&value)),
            "unset" => message.set_meta(&name, None),
            "schedule" => message.set_schedule(Some(object)),
            "discard" => return Ok(Verdict::Discard),
            "hold" => return Ok(Verdict::Hold("told to".to_owned())),
            "reject" => return Err(reject("5.7.1", "told to")),
            "panic" => panic!("told to panic"),
            "spin" => {
                spin();
                Ok(())
            }
            _ => Ok(()),
        };
        if !verb.is_empty() {
            message.add_header("X-Tried", answer(&granted)).expect("a field of its own");
        }
        Ok(Verdict::Accept)
    }
}

/// Returns the same wish as one of several changes.
fn batch(verb: &str, name: String, value: String) -> Vec<Edit> {
    let wish = match verb {
        "add" => Edit::AddHeader((name, value)),
        "replace" => Edit::ReplaceHeader((name, value)),
        "remove" => Edit::RemoveHeader(name),
        "set" => Edit::SetMeta((name, Some(value))),
        _ => Edit::SetMeta((name, None)),
    };
    vec![Edit::RemoveHeader("X-Not-There".to_owned()), wish]
}

fn answer(granted: &Result<(), PolicyError>) -> &'static str {
    match granted {
        Ok(()) => "granted",
        Err(PolicyError::Denied(_)) => "denied",
        Err(PolicyError::Invalid(_)) => "invalid",
        Err(PolicyError::TooLarge(_)) => "too large",
        Err(_) => "nothing",
    }
}

impl QueueConfig for Greedy {
    fn queue_config(&self, name: &QueueName, so_far: &Settings) -> Result<Option<Settings>, PolicyError> {
        let settings = Settings::new();
        let campaign = name.campaign.as_deref().unwrap_or_default();
        if let Some(wish) = campaign.strip_prefix("set ").and_then(setting) {
            settings.set(&[wish])?;
            return Ok(Some(settings));
        }
        let rate = |limit, period_ms| Rate { limit, period_ms, max_burst: None, local: true };
        match campaign {
            "for ever" => settings.set_max_age(u64::MAX, Some("queues.toml:1"))?,
            "at once" => settings.set_retry_interval(1000, None)?,
            "no pause" => settings.set_max_retry_interval(1000, None)?,
            "all" => settings.set_max_message_rate(rate(u64::MAX, 1000), None)?,
            "never" => settings.set_max_message_rate(rate(1, u64::MAX), None)?,
            "nothing" => settings.set_max_message_rate(rate(0, 1000), None)?,
            "their pool" => settings.set_egress_pool("pool-2", None)?,
            "a path" => settings.set_egress_pool("../../etc/passwd", None)?,
            "a line end" => settings.set_egress_pool("pool-1\r\npool-2", None)?,
            "another hop" => settings.set_protocol(r#"{"smtp":{"mx_list":["192.0.2.1"]}}"#, None)?,
            "a folder" => settings.set_protocol(r#"{"maildir_path":"/etc"}"#, None)?,
            "no reaping" => settings.set_reap_interval(u64::MAX, None)?,
            "no refresh" => settings.set_refresh_interval(u64::MAX, None)?,
            "ttl" => settings.set_refresh_strategy(RefreshStrategy::Ttl, None)?,
            "another provider" => settings.set_provider_name("theirs", None)?,
            "something new" => settings.set_inert("anything", "{}", None)?,
            "clear the hop" => settings.clear("protocol", None)?,
            "clear the age" => settings.clear("max_age", None)?,
            "write to so far" => so_far.set_max_age(u64::MAX, None)?,
            "read the hop" => return Err(PolicyError::Other(format!("read {:?}", so_far.get("protocol")))),
            _ => settings.set_max_age(60_000, Some("greedy.toml:1"))?,
        }
        Ok(Some(settings))
    }
}

/// Takes a hundred milliseconds of CPU time, more or less.
fn spin() {
    for n in 0..100_000_000_u32 {
        std::hint::black_box(n);
    }
}

register!(Greedy: message_received, queue_config);
