use std::time::Duration;

use proptest::prelude::*;
use tollgate_config::Rate;
use tollgate_message::{Edits, Header, Schedule, Timestamp};

use super::*;
use crate::{OptionValue, QueueOption as O, RefreshStrategy, Settings};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn bounds() -> Bounds {
    Bounds::new(Defaults {
        retry_interval: Duration::from_secs(1200),
        max_age: Duration::from_secs(7 * DAY),
        egress_pool: "unspecified".to_owned(),
    })
}

fn bound<T>(value: T) -> Option<Bound<T>> {
    Some(Bound { value, origin: Arc::from("tollgate.toml:9") })
}

fn seconds(seconds: u64) -> OptionValue {
    OptionValue::Duration(Duration::from_secs(seconds))
}

fn rate(text: &str) -> OptionValue {
    OptionValue::Rate(text.parse().unwrap())
}

fn text(text: &str) -> OptionValue {
    OptionValue::Text(text.to_owned())
}

fn settings(plugin: &str, values: &[(O, OptionValue)]) -> Settings {
    let mut settings = Settings::default();
    for (n, (option, value)) in values.iter().enumerate() {
        let origin = Some(format!("{plugin}.toml:{}", n + 1));
        settings.set(option.clone(), value.clone(), origin, &Arc::from(plugin)).unwrap();
    }
    settings
}

/// Returns what comes of one option, and what is said of it.
fn clamped(bounds: &Bounds, so_far: &Settings, option: &O, wanted: OptionValue) -> String {
    let (layer, clamps) = bounds.clamp(so_far, &settings("tenant:t", &[(option.clone(), wanted)]));
    let got = layer.get(option).map_or_else(|| "-".to_owned(), OptionValue::text);
    clamps.iter().fold(got, |said, clamp| format!("{said} ({clamp})"))
}

#[test]
fn values_are_cut_down_to_what_the_operator_has() {
    let so_far = settings(
        "queues",
        &[
            (O::MaxAge, seconds(7 * DAY)),
            (O::RetryInterval, seconds(600)),
            (O::MaxRetryInterval, seconds(HOUR)),
            (O::MaxMessageRate, rate("100/s,max_burst=50")),
            (O::EgressPool, text("pool-1")),
        ],
    );
    for (option, wanted, expected) in [
        (O::MaxAge, seconds(30 * DAY), "7days (max_age: wanted 30days, bound 7days by queues.toml:1)"),
        (O::MaxAge, seconds(DAY), "1day"),
        (O::MaxAge, seconds(0), "0s"),
        (O::RetryInterval, seconds(1), "10m (retry_interval: wanted 1s, bound 10m by queues.toml:2)"),
        (O::RetryInterval, seconds(HOUR), "1h"),
        (O::RetryInterval, seconds(8 * DAY), "7days (retry_interval: wanted 8days, bound 7days by queues.toml:1)"),
        (O::MaxRetryInterval, seconds(1), "10m (max_retry_interval: wanted 1s, bound 10m by queues.toml:2)"),
        (O::MaxRetryInterval, seconds(DAY), "1h (max_retry_interval: wanted 1day, bound 1h by queues.toml:3)"),
        (O::MaxMessageRate, rate("10/s"), "10/s"),
        (
            O::MaxMessageRate,
            rate("101/s"),
            "100/s,max_burst=50 (max_message_rate: wanted 101/s, bound 100/s,max_burst=50 by queues.toml:4)",
        ),
        (
            O::MaxMessageRate,
            rate("3600/h"),
            "3600/h,max_burst=50 (max_message_rate: wanted 3600/h, bound 100/s,max_burst=50 by queues.toml:4)",
        ),
        (
            O::MaxMessageRate,
            rate("local:10/s"),
            "10/s (max_message_rate: wanted local:10/s, bound 100/s,max_burst=50 by queues.toml:4)",
        ),
        (O::EgressPool, text("pool-1"), "pool-1"),
        (O::EgressPool, text("pool-2"), "- (egress_pool: wanted pool-2, bound pool-1 by queues.toml:5)"),
        (
            O::Protocol,
            OptionValue::Json(serde_json::json!({"smtp": {"mx_list": ["127.0.0.1"]}})),
            "- (protocol: wanted {\"smtp\":{\"mx_list\":[\"127.0.0.1\"]}}, bound nothing by the scope of tenants)",
        ),
    ] {
        assert_eq!(clamped(&bounds(), &so_far, &option, wanted), expected, "{option:?}");
    }
}

#[test]
fn where_nobody_says_anything_the_default_is_the_bound() {
    let nothing = Settings::default();

    let seen = [
        clamped(&bounds(), &nothing, &O::MaxAge, seconds(u64::MAX / 1000)),
        clamped(&bounds(), &nothing, &O::RetryInterval, seconds(1)),
        clamped(&bounds(), &nothing, &O::EgressPool, text("pool-1")),
        clamped(&bounds(), &nothing, &O::MaxMessageRate, rate("1000000/s")),
    ];

    let forever = OptionValue::text(&seconds(u64::MAX / 1000));
    let expected = [
        format!("7days (max_age: wanted {forever}, bound 7days by default)"),
        "20m (retry_interval: wanted 1s, bound 20m by default)".to_owned(),
        "- (egress_pool: wanted pool-1, bound unspecified by default)".to_owned(),
        "1000000/s".to_owned(),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn bounds_that_are_written_stand_instead_of_the_operators_values() {
    let wide = Bounds {
        max_age: bound(Duration::from_secs(2 * HOUR)),
        retry_interval: bound(Duration::from_secs(60)),
        max_retry_interval: bound(Duration::from_secs(HOUR)),
        max_message_rate: bound("5/s".parse().unwrap()),
        egress_pools: vec!["pool-2".to_owned()],
        ..bounds()
    };
    let so_far = settings("queues", &[(O::MaxAge, seconds(HOUR)), (O::MaxMessageRate, rate("1/s"))]);
    for (option, wanted, expected) in [
        (O::MaxAge, seconds(3 * HOUR), "2h (max_age: wanted 3h, bound 2h by tollgate.toml:9)"),
        (O::RetryInterval, seconds(60), "1m"),
        (O::MaxRetryInterval, seconds(2 * HOUR), "1h (max_retry_interval: wanted 2h, bound 1h by tollgate.toml:9)"),
        (O::MaxMessageRate, rate("5/s"), "5/s"),
        (O::EgressPool, text("pool-2"), "pool-2"),
        (O::EgressPool, text("pool-3"), "- (egress_pool: wanted pool-3, bound unspecified by default)"),
    ] {
        assert_eq!(clamped(&wide, &so_far, &option, wanted), expected, "{option:?}");
    }
}

#[test]
fn clearing_takes_back_the_layers_own_value_and_never_the_operators() {
    let so_far = settings("queues", &[(O::MaxAge, seconds(HOUR))]);
    let mut layer = settings("tenant:t", &[(O::MaxAge, seconds(60)), (O::MaxMessageRate, rate("1/s"))]);
    layer.clear(O::MaxAge, None, &Arc::from("tenant:t"));
    layer.clear(O::MaxMessageRate, None, &Arc::from("tenant:t"));

    let (layer, clamps) = bounds().clamp(&so_far, &layer);

    let said: Vec<String> = clamps.iter().map(ToString::to_string).collect();
    let expected = ["max_age: wanted none, bound 1h by queues.toml:1".to_owned()];
    assert_eq!((layer, said), (Settings::default(), expected.to_vec()));
}

#[test]
fn an_origin_cannot_pass_for_a_line_of_the_operators() {
    let mut layer = Settings::default();
    let forged = Some("queues.toml:1\nand a line of its own".to_owned());
    layer.set(O::MaxAge, seconds(60), forged, &Arc::from("tenant:t")).unwrap();

    let (layer, _) = bounds().clamp(&Settings::default(), &layer);

    let origins: Vec<_> = layer.iter().flat_map(|(_, written)| written).map(|written| written.origin.clone()).collect();
    assert_eq!(origins, [Some("tenant:t queues.toml:1 and a line of its own".to_owned())]);
}

#[test]
fn only_campaign_and_keys_of_its_own_are_a_tenants_metadata() {
    let scope = Scope::Tenant(Arc::new(bounds()));
    let before = Meta::from([("seen".to_owned(), "by the operator's plugin".to_owned())]);
    let mut now = before.clone();
    now.insert("full".to_owned(), "x".repeat(16_000));
    let (long, fits) = ("x".repeat(256), "x".repeat(255));
    for (key, value, expected) in [
        ("campaign", Some("spring"), "Ok(())"),
        ("campaign", None, "Ok(())"),
        ("campaign", Some(fits.as_str()), "Ok(())"),
        ("campaign", Some(long.as_str()), "Err(TooLarge(255))"),
        ("campaign", Some("a\r\nb"), "Err(Invalid(\"a campaign holds no control characters\"))"),
        ("mine", Some("value"), "Ok(())"),
        ("mine", Some(&long.repeat(2)), "Err(TooLarge(16384))"),
    ] {
        assert_eq!(format!("{:?}", scope.may_set_meta(&before, &now, key, value)), expected, "{key}");
    }
    let denied = [
        "queue",
        "tenant",
        "routing_domain",
        "Queue",
        " tenant",
        "TENANT",
        "Campaign",
        "authz_id",
        "authn_id",
        "received_from",
        "received_via",
        "reception_protocol",
        "hostname",
        "http_auth",
        "ehlo_domain",
        "tls_cipher",
        "seen",
    ];
    let let_through: Vec<&str> = denied
        .into_iter()
        .filter(|key| !matches!(scope.may_set_meta(&before, &before, key, Some("x")), Err(Refused::Denied(_))))
        .chain(denied.into_iter().filter(|key| scope.may_set_meta(&before, &before, key, None).is_ok()))
        .collect();
    assert_eq!(let_through, [""; 0]);
}

#[test]
fn reserved_fields_are_reserved_in_any_case_unless_the_operator_lists_them() {
    let bounds = Bounds {
        headers: vec!["List-Unsubscribe".to_owned()],
        reserved_headers: vec!["X-Class".to_owned()],
        ..bounds()
    };
    let scope = Scope::Tenant(Arc::new(bounds));
    let names = [
        "Received",
        "rEcEiVeD",
        "Return-Path",
        "DKIM-Signature",
        "dkim-signature",
        "ARC-Seal",
        "Arc-Message-Signature",
        "Authentication-Results",
        "Resent-From",
        "LIST-ID",
        "X-CLASS",
        " Received",
        "Received ",
        "List-Unsubscribe",
        "list-unsubscribe",
        "Subject",
        "From",
        "X-Received",
        "Listing",
    ];

    let allowed = names.map(|name| scope.may_write_header(name).is_ok());

    let expected = [[false; 13].as_slice(), &[true; 6]].concat();
    assert_eq!(allowed.as_slice(), expected);
}

fn edits(header: &'static str, meta: &[(&str, &str)]) -> Edits {
    let meta = meta.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Edits { header: Header::parse(bytes::Bytes::from_static(header.as_bytes())), meta, schedule: None }
}

#[test]
fn what_came_back_out_of_scope_is_taken_back_and_told() {
    let before = edits("Received: by us\r\nSubject: a\r\n\r\n", &[("tenant", "t"), ("seen", "yes")]);
    let mut after = before.clone();
    after.header.append("X-Mine", "1").unwrap();
    after.header.append("received", "by nobody").unwrap();
    for (key, value) in [("tenant", "other"), ("queue", "other@example.com"), ("campaign", "c"), ("mine", "1")] {
        after.meta.insert(key.to_owned(), value.to_owned());
    }
    after.meta.remove("seen");

    let (edits, told) = bounds().confine(&before, after);

    let meta = [("campaign", "c"), ("mine", "1"), ("seen", "yes"), ("tenant", "t")];
    let expected = Edits { meta: meta.map(|(key, value)| (key.to_owned(), value.to_owned())).into(), ..before.clone() };
    assert_eq!((edits, told.len()), (expected, 4), "{told:?}");
}

#[test]
fn what_is_in_scope_comes_back_as_it_is() {
    let before = edits("Received: by us\r\nSubject: a\r\n\r\n", &[("tenant", "t")]);
    let mut after = before.clone();
    after.header.replace("Subject", "b").unwrap();
    after.header.append("X-Mine", "1").unwrap();
    after.meta.insert("campaign".to_owned(), "c".to_owned());

    let confined = bounds().confine(&before, after.clone());

    assert_eq!(confined, (after, vec![]));
}

#[test]
fn a_schedule_ends_with_the_age_that_the_operator_lets_mail_have() {
    let at = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let day = (Duration::from_secs(DAY), "queues.toml:1");
    let confine = |json: &str| {
        let schedule = Schedule::parse(json, at).unwrap();
        match bounds().confine_schedule(schedule, at, day) {
            Ok((schedule, clamp)) => {
                let expires = schedule.expires.map(|time| time.to_string());
                format!("{expires:?} {}", clamp.map(|clamp| clamp.to_string()).unwrap_or_default())
            }
            Err(refused) => refused.to_string(),
        }
    };

    let seen = [
        r#"{"first_attempt":"2026-01-01T12:00:00Z"}"#,
        r#"{"expires":"2026-01-01T12:00:00Z"}"#,
        r#"{"expires":"2036-01-01T12:00:00Z"}"#,
        r#"{"first_attempt":"9999-01-01T12:00:00Z"}"#,
        r#"{"dow":"Sun","tz":"UTC","start":"09:00:00","end":"17:00:00"}"#,
    ]
    .map(confine);

    let late =
        |first: &str, end: &str| format!("the schedule lets the message go at {first}, when it has expired at {end}");
    let expected = [
        "None ".to_owned(),
        "Some(\"2026-01-01T12:00:00Z\") ".to_owned(),
        "Some(\"2026-01-02T00:00:00Z\") expires: wanted 2036-01-01T12:00:00Z, bound 2026-01-02T00:00:00Z by queues.toml:1"
            .to_owned(),
        late("9999-01-01T12:00:00Z", "2026-01-02T00:00:00Z"),
        late("2026-01-04T09:00:00Z", "2026-01-02T00:00:00Z"),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn verdicts_are_a_tenants_own_unless_the_operator_says_otherwise() {
    let strict = Bounds { may_reject: false, may_discard: false, ..bounds() };
    let refusal = crate::OnFailure::Defer.refusal().unwrap();
    let answers = [
        Ok(crate::Verdict::Accept),
        Ok(crate::Verdict::Hold("x".to_owned())),
        Ok(crate::Verdict::Discard),
        Err(refusal),
    ];

    let may = [Scope::Operator, Scope::Tenant(Arc::new(bounds())), Scope::Tenant(Arc::new(strict))]
        .map(|scope| answers.clone().map(|answer| scope.may_answer(&answer).is_ok()));

    assert_eq!(may, [[true; 4], [true; 4], [true, true, false, false]]);
}

fn any_value() -> impl Strategy<Value = (O, Option<OptionValue>)> {
    let duration = (0..=u64::MAX).prop_map(|ms| OptionValue::Duration(Duration::from_millis(ms)));
    let small = (1_u64..100 * DAY).prop_map(seconds);
    let duration = prop_oneof![duration, small];
    let timing = prop_oneof![Just(O::RetryInterval), Just(O::MaxRetryInterval), Just(O::MaxAge), Just(O::ReapInterval)];
    let pool = prop_oneof![Just("pool-1"), Just("pool-2"), Just("pool-3"), Just("../../etc/passwd")];
    let value = prop_oneof![
        (timing, duration),
        any_rate().prop_map(|rate| (O::MaxMessageRate, OptionValue::Rate(rate))),
        pool.prop_map(|pool| (O::EgressPool, text(pool))),
        Just((O::ProviderName, text("other"))),
        Just((O::Protocol, OptionValue::Json(serde_json::json!({})))),
        Just((O::RefreshStrategy, OptionValue::Strategy(RefreshStrategy::Ttl))),
    ];
    (value, any::<bool>()).prop_map(|((option, value), clear)| (option, (!clear).then_some(value)))
}

fn any_rate() -> impl Strategy<Value = Rate> {
    let period = prop_oneof![(1_u64..5).prop_map(|s| s * 1000), 1000..=u64::MAX];
    let limit = prop_oneof![1_u64..10, 1..=u64::MAX];
    let burst = proptest::option::of(prop_oneof![1_u64..10, 1..=u64::MAX]);
    (limit, period, burst, any::<bool>()).prop_map(|(limit, period, max_burst, local)| Rate {
        limit,
        period: Duration::from_millis(period),
        max_burst,
        local,
    })
}

fn layer(plugin: &str, writes: Vec<(O, Option<OptionValue>)>) -> Settings {
    let (mut settings, plugin) = (Settings::default(), Arc::from(plugin));
    for (option, value) in writes {
        match value {
            // What is no value is refused to a guest, too.
            Some(value) => drop(settings.set(option, value, None, &plugin)),
            None => settings.clear(option, None, &plugin),
        }
    }
    settings
}

/// Returns the values that decide how much a queue may have: its age, its shortest wait, what a rate lets through in some
/// time, its pool.
fn width(settings: &Settings) -> (Duration, Duration, Option<Rate>, String) {
    let defaults = bounds().defaults;
    let age = settings.duration(&O::MaxAge).unwrap_or(defaults.max_age);
    let wait = settings.duration(&O::RetryInterval).unwrap_or(defaults.retry_interval);
    let cap = settings.duration(&O::MaxRetryInterval).unwrap_or(wait);
    let rate = match settings.get(&O::MaxMessageRate) {
        Some(OptionValue::Rate(rate)) => Some(*rate),
        _ => None,
    };
    (age, wait.min(cap), rate, settings.get(&O::EgressPool).map_or(defaults.egress_pool, OptionValue::text))
}

/// Returns how many messages a rate lets through in so many milliseconds after a pause, counted up.
fn volume(rate: Rate, milliseconds: u128) -> u128 {
    let burst = u128::from(rate.max_burst.unwrap_or(rate.limit));
    let more = u128::from(rate.limit).saturating_mul(milliseconds) / rate.period.as_millis();
    burst.saturating_add(more)
}

proptest! {
    /// Whatever the operator has and the tenant wants: what comes out is no wider than what the operator has.
    #[test]
    fn nothing_that_comes_out_is_wider_than_the_bound(
        operator in proptest::collection::vec(any_value(), 0..8),
        tenant in proptest::collection::vec(any_value(), 0..8),
    ) {
        let so_far = layer("operator", operator);
        let (age, wait, rate, pool) = width(&so_far);

        let (clamped, _) = bounds().clamp(&so_far, &layer("tenant:t", tenant));
        let mut merged = so_far.clone();
        merged.merge(clamped);

        let (got_age, got_wait, got_rate, got_pool) = width(&merged);
        prop_assert!(got_age <= age, "{got_age:?} is older than {age:?}");
        prop_assert!(got_wait >= wait.min(so_far.duration(&O::MaxRetryInterval).unwrap_or(wait)), "{got_wait:?} is shorter than {wait:?}");
        prop_assert_eq!(got_pool, pool);
        if let Some(rate) = rate {
            let got = got_rate.expect("a rate of the operator's cannot be cleared");
            for milliseconds in [0, 1000, 3_600_000, 1 << 40] {
                prop_assert!(volume(got, milliseconds) <= volume(rate, milliseconds), "{got} lets through more than {rate}");
            }
        }
        for option in [O::Protocol, O::ProviderName, O::ReapInterval, O::RefreshStrategy] {
            prop_assert_eq!(merged.get(&option), so_far.get(&option));
        }
    }

    /// What was cut once is not cut again: a tenant that asks for what it got is not told off.
    #[test]
    fn clamping_what_was_clamped_changes_nothing(
        operator in proptest::collection::vec(any_value(), 0..8),
        tenant in proptest::collection::vec(any_value(), 0..8),
    ) {
        let so_far = layer("operator", operator);
        let (once, _) = bounds().clamp(&so_far, &layer("tenant:t", tenant));

        let (twice, clamps) = bounds().clamp(&so_far, &once);

        let values = |settings: &Settings| -> Vec<_> {
            settings.iter().map(|(option, _)| (option.clone(), settings.get(option).cloned())).collect()
        };
        prop_assert_eq!((values(&twice), clamps), (values(&once), vec![]));
    }
}
