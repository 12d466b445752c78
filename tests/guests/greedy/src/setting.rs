//! The wishes of a queue, each as a setting.

use tollgate_sdk::{Rate, RefreshStrategy, Setting};

/// Returns the same wish as one of several settings.
pub(crate) fn setting(campaign: &str) -> Option<(Setting, Option<String>)> {
    let rate = |limit, period_ms| Rate { limit, period_ms, max_burst: None, local: true };
    let setting = match campaign {
        "for ever" => return Some((Setting::MaxAge(u64::MAX), Some("queues.toml:1".to_owned()))),
        "at once" => Setting::RetryInterval(1000),
        "no pause" => Setting::MaxRetryInterval(1000),
        "all" => Setting::MaxMessageRate(rate(u64::MAX, 1000)),
        "nothing" => Setting::MaxMessageRate(rate(0, 1000)),
        "their pool" => Setting::EgressPool("pool-2".to_owned()),
        "a path" => Setting::EgressPool("../../etc/passwd".to_owned()),
        "a line end" => Setting::EgressPool("pool-1\r\npool-2".to_owned()),
        "another hop" => Setting::Protocol(r#"{"smtp":{"mx_list":["192.0.2.1"]}}"#.to_owned()),
        "a folder" => Setting::Protocol(r#"{"maildir_path":"/etc"}"#.to_owned()),
        "no reaping" => Setting::ReapInterval(u64::MAX),
        "no refresh" => Setting::RefreshInterval(u64::MAX),
        "ttl" => Setting::RefreshStrategy(RefreshStrategy::Ttl),
        "another provider" => Setting::ProviderName("theirs".to_owned()),
        "something new" => Setting::Inert(("anything".to_owned(), "{}".to_owned())),
        "clear the hop" => Setting::Clear("protocol".to_owned()),
        "clear the age" => Setting::Clear("max_age".to_owned()),
        _ => return None,
    };
    Some((setting, None))
}
