//! What a tenant's component can do to mail and queues: every setter there is, with every value that a hostile tenant would
//! like, and what comes of it behind all that stands between.

use std::{sync::Arc, time::Duration};

use tollgate_message::{Draft, QueueName, Received, Timestamp};
use tollgate_policy::{
    Chain, Link, OnFailure, OptionValue, Outcome, Phase, QueueOption, Settings, TenantPolicy, Verdict, Workers,
    scope::{Bounds, Defaults, Scope},
    scripted::Scripted,
};
use tollgate_testkit::{
    guest::{CURT, GREEDY},
    received,
};
use tollgate_wasm::{Compiler, Instances, Limits, Runtime, Setup, WasmPlugin};

/// The operator's own settings of every queue.
fn operators() -> Settings {
    let mut settings = Settings::default();
    let text = |text: &str| OptionValue::Text(text.to_owned());
    for (line, (option, value)) in (1..).zip([
        (QueueOption::MaxAge, OptionValue::Duration(Duration::from_secs(86_400))),
        (QueueOption::RetryInterval, OptionValue::Duration(Duration::from_secs(600))),
        (QueueOption::MaxMessageRate, OptionValue::Rate("10/s".parse().expect("a rate"))),
        (QueueOption::EgressPool, text("pool-1")),
        (QueueOption::Protocol, OptionValue::Json(serde_json::json!({"smtp": {"mx_list": ["10.0.0.1"]}}))),
        (QueueOption::ProviderName, text("ours")),
    ]) {
        settings.set(option, value, Some(format!("queues.toml:{line}")), &Arc::from("operator")).expect("a value");
    }
    settings
}

fn chain() -> Chain {
    let plugin =
        Scripted::new("operator").on_message(|_, _| Ok(Ok(Verdict::Accept))).on_queue(|_| Ok(Some(operators())));
    let link = Link::new(plugin, Phase::Queue, OnFailure::Defer);
    Chain::new(vec![link], Workers::start(1).expect("a thread"))
}

fn greedy(change: impl FnOnce(&mut Bounds)) -> TenantPolicy {
    tenant(GREEDY, change)
}

fn tenant(octets: &[u8], change: impl FnOnce(&mut Bounds)) -> TenantPolicy {
    let (retry_interval, max_age) = (Duration::from_secs(1200), Duration::from_secs(604_800));
    let mut bounds = Bounds::new(Defaults { retry_interval, max_age, egress_pool: "unspecified".to_owned() });
    change(&mut bounds);
    let bounds = Arc::new(bounds);
    let component = Runtime::new(None, Compiler::Here).expect("an engine").load(octets).expect("a component");
    let limits = Limits { wall: Duration::from_secs(20), ..Limits::default() };
    let (name, scope) = ("tenant:t".to_owned(), Scope::Tenant(Arc::clone(&bounds)));
    let setup = Setup { name, files: Vec::new(), limits, instances: Instances::Fresh, scope, ..Setup::default() };
    let (plugin, _) = WasmPlugin::start(component, setup).expect("a plugin");
    TenantPolicy {
        tenant: Arc::from("t"),
        plugin: Arc::new(plugin),
        bounds,
        on_failure: OnFailure::Defer,
        health: Arc::default(),
    }
}

const HEADER: &str = "Received: by us\r\nDKIM-Signature: theirs\r\nSubject: s\r\n";

fn draft(wish: &str) -> Draft {
    let at = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").expect("a time");
    let received = received(format!("{HEADER}X-Try: {wish}\r\n\r\nbody\r\n"));
    let mut draft = Draft::new(Received { at, ..received });
    for (key, value) in [("tenant", "t"), ("received_from", "192.0.2.9"), ("class", "the operator's")] {
        draft.edits.meta.insert(key.to_owned(), value.to_owned());
    }
    draft
}

/// Tells what became of a wish: what the component was told, and whatever differs from the message as it was.
async fn wish(chain: &Chain, tenant: &TenantPolicy, wish: &str) -> String {
    let (mut draft, before) = (draft(wish), draft(wish));
    // What it is refused counts against it; here each wish stands for itself.
    let tenant = TenantPolicy { health: Arc::default(), ..tenant.clone() };
    let judgement = tenant.message_received(chain, &mut draft).await;
    let mut told = vec![match judgement.end {
        None => draft.first_header("X-Tried").unwrap_or_default(),
        Some(Outcome::Refuse(refusal)) => refusal.reply().to_string(),
        Some(other) => format!("{other:?}"),
    }];
    draft.edits.header.remove("X-Tried");
    let fields = |draft: &Draft| -> Vec<String> {
        draft.edits.header.iter().map(|(name, value)| format!("{name}:{}", String::from_utf8_lossy(value))).collect()
    };
    let (was, is) = (fields(&before), fields(&draft));
    told.extend(is.iter().filter(|field| !was.contains(field)).map(|field| format!("+ {field}")));
    told.extend(was.iter().filter(|field| !is.contains(field)).map(|field| format!("- {field}")));
    let changed = draft.edits.meta.iter().filter(|(key, value)| before.edits.meta.get(*key) != Some(value));
    told.extend(changed.map(|(key, value)| format!("{key}={value}")));
    told.extend(
        before.edits.meta.keys().filter(|key| !draft.edits.meta.contains_key(*key)).map(|key| format!("no {key}")),
    );
    let expires = draft.edits.schedule.as_ref().and_then(|schedule| schedule.expires);
    told.extend(expires.map(|time| format!("expires {time}")));
    told.extend(judgement.taken_back.iter().map(|what| format!("taken back: {what}")));
    let queue = draft.queue_name();
    if (queue.tenant.as_deref(), queue.domain.as_str(), &queue.routing_domain) != (Some("t"), "example.com", &None) {
        told.push(format!("goes to {queue}"));
    }
    told.join("; ")
}

#[tokio::test]
async fn of_a_message_a_tenant_gets_what_is_its_own_and_nothing_else() {
    let (chain, tenant, in_brief) = (chain(), greedy(|_| {}), tenant(CURT, |_| {}));
    let failed = "451 4.3.0 message processing failed";
    let long = format!("set campaign: {}", "c".repeat(300));
    for (asked, expected) in [
        // Its own.
        ("add X-Mine: 1", "granted; + X-Mine: 1"),
        ("replace Subject: t", "granted; + Subject: t; - Subject: s"),
        ("remove Subject", "granted; - Subject: s"),
        ("set campaign: spring", "granted; campaign=spring"),
        ("set mine: 1", "granted; mine=1"),
        (r#"schedule {"first_attempt":"2026-01-01T12:00:00Z"}"#, "granted"),
        // Fields that others vouch for, in odd cases and with blanks.
        ("add Received: by nobody", "denied"),
        ("add rEcEiVeD: by nobody", "denied"),
        ("replace received: by nobody", "denied"),
        ("remove RECEIVED", "nothing"),
        ("add Return-Path: <x@y>", "denied"),
        ("add DKIM-signature: forged", "denied"),
        ("remove dkim-signature", "nothing"),
        ("add ARC-Seal: forged", "denied"),
        ("add Authentication-RESULTS: forged", "denied"),
        ("add Resent-From: x@y", "denied"),
        ("add List-Id: theirs", "denied"),
        // More than a field.
        (r"add X-A: 1\r\nReceived: by nobody", "invalid"),
        (r"add X-A\r\nReceived: 1", "invalid"),
        (r"add X-A: 1\r\n\r\nanother body", "invalid"),
        (r"replace Subject: a\r\nBcc: b", "invalid"),
        // Another queue, tenant, route or identity.
        ("set queue: other@example.com", "denied"),
        ("set queue: null", "denied"),
        ("set tenant: other", "denied"),
        ("set Tenant: other", "denied"),
        ("unset tenant", "denied"),
        ("set routing_domain: 127.0.0.1:25", "denied"),
        ("set authz_id: root", "denied"),
        ("set received_from: 127.0.0.1", "denied"),
        ("unset received_from", "denied"),
        ("set tls_cipher: none", "denied"),
        ("set hostname: mta.other", "denied"),
        ("set class: mine", "denied"),
        ("unset class", "denied"),
        // A name that reads as another.
        ("set campaign: a:other@evil.example!127.0.0.1", "granted; campaign=a:other@evil.example!127.0.0.1"),
        (r"set campaign: a\r\nb", "invalid"),
        (r"set a\r\nb: c", "invalid"),
        (&long, "too large"),
        // Times.
        (r#"schedule {"expires":"9999-01-01T00:00:00Z"}"#, "granted; expires 2026-01-02T00:00:00Z"),
        (r#"schedule {"first_attempt":"9999-01-01T00:00:00Z"}"#, failed),
        (r#"schedule {"expires":"1999-12-31T00:00:00Z"}"#, "invalid"),
        ("schedule soon", "invalid"),
        // Verdicts, which are its own to give.
        ("discard", "Discard"),
        ("hold", "Hold(\"told to\")"),
        ("reject", "550 5.7.1 told to"),
        ("panic", failed),
    ] {
        let seen = wish(&chain, &tenant, asked).await;
        assert_eq!(seen, expected, "{asked}");
        // As one of several changes it is what it is alone; only nobody hears whether there was something to remove.
        if ["add ", "replace ", "set ", "unset ", "remove "].iter().any(|verb| asked.starts_with(verb)) {
            let batched = wish(&chain, &tenant, &format!("apply {asked}")).await;
            let expected =
                expected.strip_prefix("nothing").map_or_else(|| expected.to_owned(), |rest| format!("granted{rest}"));
            assert_eq!(batched, expected, "apply {asked}");
            // A plugin that is told in brief hears of nothing: what it may not do, it must not try.
            let told = wish(&chain, &in_brief, asked).await;
            assert_eq!(told, expected.strip_prefix("granted").unwrap_or(failed), "in brief, {asked}");
        }
    }
}

#[tokio::test]
async fn the_operator_widens_and_narrows_what_a_tenant_may() {
    let chain = chain();
    let tenant = greedy(|bounds| {
        (bounds.may_reject, bounds.may_discard) = (false, false);
        bounds.headers = vec!["list-ID".to_owned()];
        bounds.reserved_headers = vec!["Subject".to_owned()];
    });
    let failed = "451 4.3.0 message processing failed";
    for (asked, expected) in [
        ("add List-Id: mine", "granted; + List-Id: mine"),
        ("replace subject: t", "denied"),
        ("remove SUBJECT", "nothing"),
        ("reject", failed),
        ("discard", failed),
        ("hold", "Hold(\"told to\")"),
    ] {
        let seen = wish(&chain, &tenant, asked).await;
        assert_eq!(seen, expected, "{asked}");
    }
}

/// Tells what a queue of this campaign has that it would not have without the tenant's component.
async fn queue(chain: &Chain, tenant: &TenantPolicy, campaign: &str) -> String {
    let name = QueueName::new(Some(campaign), Some("t"), "example.com", None);
    let so_far = operators();
    // What it is refused counts against it; here each wish stands for itself.
    let tenant = TenantPolicy { health: Arc::default(), ..tenant.clone() };
    let layer = match tenant.queue_config(chain, &name, &so_far).await.0 {
        Ok(layer) => layer,
        Err(failure) => return format!("{}: {}", failure.kind.word(), failure.detail),
    };
    let mut merged = so_far.clone();
    merged.merge(layer.settings);
    let differs =
        merged.iter().filter(|(option, _)| merged.get(option) != so_far.get(option)).map(|(option, written)| {
            let last = written.last().expect("what was written");
            let origin = last.origin.as_deref().unwrap_or_default();
            format!("{}={} by {origin}", option.name(), merged.get(option).map(OptionValue::text).unwrap_or_default())
        });
    let clamps = layer.clamps.iter().map(|clamp| format!("({clamp})"));
    differs.chain(clamps).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn of_a_queue_a_tenant_gets_what_is_within_the_operators_values() {
    let (chain, tenant, in_brief) = (chain(), greedy(|_| {}), tenant(CURT, |_| {}));
    let denied = |option: &str| {
        format!(
            "unavailable: it has no answer about the queue {{}}@example.com: PolicyError::Denied(\"{option} is out of a tenant's scope; only a \
             plugin of the operator's may set it\")"
        )
    };
    let forever = OptionValue::Duration(Duration::from_millis(u64::MAX)).text();
    let invalid = |text: &str| {
        format!("unavailable: it has no answer about the queue {{}}@example.com: PolicyError::Invalid(\"{text}\")")
    };
    for (campaign, expected) in [
        ("", "max_age=1m by tenant:t greedy.toml:1".to_owned()),
        ("for ever", format!("(max_age: wanted {forever}, bound 1day by queues.toml:1)")),
        ("at once", "(retry_interval: wanted 1s, bound 10m by queues.toml:2)".to_owned()),
        (
            "no pause",
            "max_retry_interval=10m by tenant:t (max_retry_interval: wanted 1s, bound 10m by queues.toml:2)".to_owned(),
        ),
        ("all", format!("(max_message_rate: wanted local:{}/s, bound 10/s by queues.toml:3)", u64::MAX)),
        ("nothing", invalid("a rate's limit is at least 1")),
        ("their pool", "(egress_pool: wanted pool-2, bound pool-1 by queues.toml:4)".to_owned()),
        ("a path", "(egress_pool: wanted ../../etc/passwd, bound pool-1 by queues.toml:4)".to_owned()),
        ("a line end", "(egress_pool: wanted pool-1  pool-2, bound pool-1 by queues.toml:4)".to_owned()),
        ("another hop", denied("protocol")),
        ("a folder", denied("protocol")),
        ("no reaping", denied("reap_interval")),
        ("no refresh", denied("refresh_interval")),
        ("ttl", denied("refresh_strategy")),
        ("another provider", denied("provider_name")),
        ("something new", denied("anything")),
        ("clear the hop", denied("protocol")),
        ("clear the age", "(max_age: wanted none, bound 1day by queues.toml:1)".to_owned()),
        ("write to so far", String::new()),
        (
            "read the hop",
            "unavailable: it has no answer about the queue {}@example.com: PolicyError::Other(\"read None\")"
                .to_owned(),
        ),
    ] {
        let name = QueueName::new(Some(campaign), Some("t"), "example.com", None).to_string();
        let expected = expected.replace("{}@example.com", &name);
        assert_eq!(queue(&chain, &tenant, campaign).await, expected, "{campaign}");
        // As one of several settings it is what it is alone, for those that can be one.
        if !["", "write to so far", "read the hop"].contains(&campaign) {
            let several = format!("set {campaign}");
            let with_name = QueueName::new(Some(&several), Some("t"), "example.com", None).to_string();
            let told = queue(&chain, &tenant, &several).await;
            assert_eq!(told.replace(&with_name, &name), expected, "{several}");
            // Told in brief, it hears of nothing: what it may not set, it must not try.
            let nonsense = |error| format!("nonsense: sets for the queue {name} what is refused: {error}");
            let no_answer = format!("unavailable: it has no answer about the queue {name}: ");
            let expected = expected.strip_prefix(&no_answer).map_or_else(|| expected.clone(), nonsense);
            assert_eq!(queue(&chain, &in_brief, campaign).await, expected, "in brief, {campaign}");
        }
    }
}

#[tokio::test]
async fn a_rate_that_means_never_is_one_in_a_year_and_no_more_than_the_operators() {
    let (chain, tenant) = (chain(), greedy(|_| {}));

    let told = queue(&chain, &tenant, "never").await;

    let rate = format!("1/{}s", 366 * 86_400);
    assert!(
        told.starts_with(&format!("max_message_rate={rate} by tenant:t (max_message_rate: wanted local:1/")),
        "{told}"
    );
}
