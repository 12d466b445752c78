//! What holds for any files: against a model written apart from the code, and for text that is no configuration at all.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::{
    config::{Config, Level},
    load,
    options::OptionValue,
    resolve,
};

/// Domains, patterns, tenants and campaigns that meet often.
const PATTERNS: [&str; 7] = ["default", "*", "*.b.c", "*.c", "a.b.c", "b.c", "x.b.c"];
const DOMAINS: [&str; 8] = ["a.b.c", "b.c", "x.b.c", "y.x.b.c", "z.c", "c", "other", "default"];
const NAMES: [&str; 2] = ["t", "u"];
const OPTIONS: [&str; 3] = ["max_age", "retry_interval", "reap_interval"];

/// A place where an option can be written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Place {
    Queue(&'static str),
    Tenant(&'static str),
    TenantCampaign(&'static str, &'static str),
    QueueTenant(&'static str, &'static str),
    QueueCampaign(&'static str, &'static str, &'static str),
}

impl Place {
    fn header(&self) -> String {
        match self {
            Self::Queue(pattern) => format!("[queue.'{pattern}']"),
            Self::Tenant(tenant) => format!("[tenant.{tenant}]"),
            Self::TenantCampaign(tenant, campaign) => format!("[tenant.{tenant}.campaigns.{campaign}]"),
            Self::QueueTenant(pattern, tenant) => format!("[queue.'{pattern}'.{tenant}]"),
            Self::QueueCampaign(pattern, tenant, campaign) => format!("[queue.'{pattern}'.{tenant}.{campaign}]"),
        }
    }
}

/// What one file sets: seconds, by place and option.
type File = BTreeMap<Place, BTreeMap<&'static str, u32>>;

fn place() -> impl Strategy<Value = Place> {
    let pattern = || prop::sample::select(&PATTERNS[..]);
    let name = || prop::sample::select(&NAMES[..]);
    prop_oneof![
        pattern().prop_map(Place::Queue),
        name().prop_map(Place::Tenant),
        (name(), name()).prop_map(|(tenant, campaign)| Place::TenantCampaign(tenant, campaign)),
        (pattern(), name()).prop_map(|(pattern, tenant)| Place::QueueTenant(pattern, tenant)),
        (pattern(), name(), name())
            .prop_map(|(pattern, tenant, campaign)| Place::QueueCampaign(pattern, tenant, campaign)),
    ]
}

fn file() -> impl Strategy<Value = File> {
    let settings = prop::collection::btree_map(prop::sample::select(&OPTIONS[..]), 1u32..100_000, 0..4);
    prop::collection::btree_map(place(), settings, 0..20)
}

fn toml(file: &File) -> Vec<u8> {
    let mut text = String::new();
    for (place, settings) in file {
        text.push_str(&format!("{}\n", place.header()));
        settings.iter().for_each(|(option, seconds)| text.push_str(&format!("{option} = {seconds}\n")));
    }
    text.into_bytes()
}

fn loaded(files: &[File]) -> Config {
    let files: Vec<(String, Vec<u8>)> =
        files.iter().enumerate().map(|(at, file)| (format!("{at}.toml"), toml(file))).collect();
    load::load(&files).config
}

/// Every option of a level in seconds.
fn seconds(level: &Level) -> BTreeMap<&'static str, u32> {
    let seconds = |setting: &OptionValue| match setting {
        OptionValue::Duration(duration) => u32::try_from(duration.as_secs()).unwrap(),
        other => panic!("{other:?} is no duration"),
    };
    level.options.iter().map(|(option, setting)| (option, seconds(&setting.value))).collect()
}

/// Everything that a configuration sets, in the model's form; places without options are left out.
fn flattened(config: &Config) -> File {
    let known = |names: &[&'static str], name: &str| *names.iter().find(|known| **known == name).unwrap();
    let mut file = File::new();
    for (tenant, found) in &config.tenants {
        let tenant = known(&NAMES, tenant);
        file.insert(Place::Tenant(tenant), seconds(&found.level));
        for (campaign, level) in &found.campaigns {
            file.insert(Place::TenantCampaign(tenant, known(&NAMES, campaign)), seconds(level));
        }
    }
    for (pattern, found) in &config.destinations {
        let pattern = known(&PATTERNS, pattern);
        file.insert(Place::Queue(pattern), seconds(&found.level));
        for (tenant, found) in &found.tenants {
            let tenant = known(&NAMES, tenant);
            file.insert(Place::QueueTenant(pattern, tenant), seconds(&found.level));
            for (campaign, level) in &found.campaigns {
                file.insert(Place::QueueCampaign(pattern, tenant, known(&NAMES, campaign)), seconds(level));
            }
        }
    }
    file.retain(|_, settings| !settings.is_empty());
    file
}

/// Files laid over each other, by the words of the decision: later scalars replace.
fn merged(files: &[File]) -> File {
    let mut merged = File::new();
    for (place, settings) in files.iter().flatten() {
        for (option, seconds) in settings {
            merged.entry(place.clone()).or_default().insert(option, *seconds);
        }
    }
    merged
}

/// Returns the pattern that answers for a domain: an exact one, else the longest that covers it. It answers wherever a file
/// has it, with options or without.
fn answering(files: &[File], domain: &str) -> Option<&'static str> {
    let written = |pattern: &str| {
        files.iter().flatten().any(|(place, _)| match place {
            Place::Queue(at) | Place::QueueTenant(at, _) | Place::QueueCampaign(at, _, _) => *at == pattern,
            Place::Tenant(_) | Place::TenantCampaign(_, _) => false,
        })
    };
    let covers = |pattern: &str| match pattern {
        "default" => false,
        "*" => true,
        exact if !exact.starts_with('*') => exact == domain,
        wildcard => domain.ends_with(&wildcard[1..]),
    };
    let rank = |pattern: &str| (!pattern.starts_with('*'), pattern.len());
    PATTERNS.into_iter().filter(|pattern| written(pattern) && covers(pattern)).max_by_key(|pattern| rank(pattern))
}

/// What holds for a queue, by asking each place in turn, highest precedence first.
fn holding(
    files: &[File],
    domain: &str,
    tenant: Option<&'static str>,
    campaign: Option<&'static str>,
) -> BTreeMap<&'static str, u32> {
    let merged = merged(files);
    let pattern = answering(files, domain);
    let mut places = Vec::new();
    if let (Some(pattern), Some(tenant), Some(campaign)) = (pattern, tenant, campaign) {
        places.push(Place::QueueCampaign(pattern, tenant, campaign));
    }
    if let (Some(pattern), Some(tenant)) = (pattern, tenant) {
        places.push(Place::QueueTenant(pattern, tenant));
    }
    if let (Some(tenant), Some(campaign)) = (tenant, campaign) {
        places.push(Place::TenantCampaign(tenant, campaign));
    }
    places.extend(tenant.map(Place::Tenant));
    places.extend(pattern.map(Place::Queue));
    places.push(Place::Queue("default"));
    let value = |option| {
        let seconds = places.iter().find_map(|place| merged.get(place)?.get(option));
        seconds.map(|seconds| (option, *seconds))
    };
    OPTIONS.into_iter().filter_map(value).collect()
}

/// Text that gets far into the reader: its own words in any order, with noise.
fn noise() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "[queue.default]\n",
        "[queue.'a.b']\n",
        "[queue.'a.b'.t]\n",
        "[tenant.t]\n",
        "[tenant.t.campaigns.c]\n",
        "max_age",
        "protocol",
        "smtp",
        "mx_list",
        "egress_pool",
        "require_authz",
        "routing_domain",
        "overall_max_message_rate",
        " = ",
        "'1h'",
        "'10/s'",
        "\"",
        "'",
        "'''",
        "\"\"\"",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        "\n",
        "\r\n",
        "#",
        "1",
        "-1",
        "1e9",
        "true",
        "null",
        ":",
        "\"tenant\"",
        "\"queue\"",
        "ä",
        "\u{1f600}",
        "\u{0}",
        "\u{feff}",
    ]);
    prop_oneof![prop::collection::vec(words, 0..60).prop_map(|words| words.concat()), ".{0,200}", "\\{(.|\n){0,80}\\}"]
}

proptest! {
    #[test]
    fn files_lie_over_each_other_in_their_order(files in prop::collection::vec(file(), 0..4)) {
        prop_assert_eq!(flattened(&loaded(&files)), merged(&files));
    }

    #[test]
    fn the_highest_level_that_sets_an_option_holds(
        files in prop::collection::vec(file(), 1..3),
        domain in prop::sample::select(&DOMAINS[..]),
        tenant in prop::option::weighted(0.9, prop::sample::select(&NAMES[..])),
        campaign in prop::option::weighted(0.9, prop::sample::select(&NAMES[..])),
    ) {
        let config = loaded(&files);
        let levels = resolve::levels(&config, domain, tenant, campaign);

        let resolved: BTreeMap<&str, u32> = levels.into_iter().flat_map(seconds).collect();

        prop_assert_eq!(resolved, holding(&files, domain, tenant, campaign));
    }

    #[test]
    fn any_text_is_read_and_spoken_of_at_places_in_it(
        text in noise(),
        name in prop::sample::select(vec!["f.toml", "f.json"]),
    ) {
        let lines: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();

        let findings = load::load(&[(name.to_owned(), text.clone().into_bytes())]).findings;

        for finding in findings {
            let at = finding.at.expect("findings of a file have a place");
            let line = lines.get(at.line as usize - 1).copied();
            let inside = at.column >= 1 && line.is_some_and(|length| at.column as usize <= length + 1);
            prop_assert!(inside && !finding.message.is_empty(), "{finding} in {text:?}");
        }
    }

    #[test]
    fn any_octets_are_read_and_twice_the_same(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let again = || load::load(&[("f.toml".to_owned(), octets.clone())]).findings;

        prop_assert_eq!(again(), again());
    }
}
