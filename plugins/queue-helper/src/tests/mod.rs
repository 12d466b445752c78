//! What the plugin makes of files, on the machine at hand.

mod findings;
mod properties;
mod received;

use tollgate_config::Severity;

use crate::{load, resolve};

const GUIDE: &str = include_str!("../../queues.toml");

fn findings(text: &str) -> Vec<(Severity, String)> {
    let loaded = load::load(&[("q.toml".to_owned(), text.as_bytes().to_vec())]);
    loaded.findings.into_iter().map(|finding| (finding.severity, finding.to_string())).collect()
}

/// The origins of `max_age` for a queue, lowest level first, as line numbers.
fn max_age_lines(text: &str, domain: &str, tenant: Option<&str>, campaign: Option<&str>) -> Vec<u32> {
    let loaded = load::load(&[("q.toml".to_owned(), text.as_bytes().to_vec())]);
    assert_eq!(loaded.findings.iter().filter(|finding| finding.severity == Severity::Error).count(), 0);
    let levels = resolve::levels(&loaded.config, domain, tenant, campaign);
    levels.filter_map(|level| level.options.get("max_age")).map(|setting| setting.origin.at.line).collect()
}

#[test]
fn the_example_of_the_user_guide_loads_without_a_word() {
    assert_eq!(findings(GUIDE), []);
}

#[test]
fn the_example_of_the_readme_gives_a_receipt_what_it_says() {
    let readme = include_str!("../../README.md").split("## An example").nth(1).unwrap();
    let example: String =
        readme.lines().filter_map(|line| line.strip_prefix("    ")).map(|line| format!("{line}\n")).collect();
    let loaded = load::load(&[("q.toml".to_owned(), example.into_bytes())]);

    let levels = resolve::levels(&loaded.config, "mx.example.net", Some("shop"), Some("receipts"));

    let notes = loaded.findings.iter().map(|finding| finding.severity).collect::<Vec<_>>();
    let options: Vec<&str> = levels.flat_map(|level| level.options.iter().map(|(option, _)| option)).collect();
    let expected = ["max_age", "retry_interval", "max_message_rate", "egress_pool", "max_age", "retry_interval"];
    assert_eq!((notes, options), (vec![Severity::Note], expected.to_vec()));
}

#[test]
fn levels_lie_over_each_other_in_their_order() {
    let text = "[queue.default]\nmax_age = '1h'\n[queue.'g.com']\nmax_age = '2h'\n[tenant.t]\nmax_age = '3h'\n\
                [tenant.t.campaigns.c]\nmax_age = '4h'\n[queue.'g.com'.t]\nmax_age = '5h'\n[queue.'g.com'.t.c]\nmax_age = '6h'\n";
    let (t, c) = (Some("t"), Some("c"));

    let applied = [("g.com", t, c), ("g.com", t, None), ("o.com", t, c), ("g.com", None, c), ("g.com", Some("u"), c)]
        .map(|(domain, tenant, campaign)| max_age_lines(text, domain, tenant, campaign));

    assert_eq!(applied, [vec![2, 4, 6, 8, 10, 12], vec![2, 4, 6, 10], vec![2, 6, 8], vec![2, 4], vec![2, 4]]);
}

#[test]
fn the_longest_suffix_wins_and_a_wildcard_never_covers_its_own_domain() {
    let text = "[queue.'*']\nmax_age = '1h'\n[queue.'*.example.com']\nmax_age = '2h'\n[queue.'*.EU.example.com.']\nmax_age = '3h'\n\
                [queue.'a.b.example.com']\nmax_age = '4h'\n";

    let applied = ["example.com", "b.example.com", "x.y.eu.example.com", "eu.example.com", "a.b.example.com", "other"]
        .map(|domain| max_age_lines(text, domain, None, None));

    assert_eq!(applied, [vec![2], vec![4], vec![6], vec![4], vec![8], vec![2]]);
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_the_nearest_name() {
    let text = "tenant_heder = 'X'\n[queue.default]\nmax_age = 'soon'\nretry_interval = '0s'\n[queue.'a.com']\nretry_intervl = '5m'\n\
                [tenant.t.c]\nmax_age = '1h'\n[queue.'b.com'.max_age]\n";

    let told: Vec<String> = findings(text).into_iter().map(|(_, text)| text).collect();

    let expected = [
        "q.toml:1:1 `tenant_heder` is not an option of this file; did you mean `tenant_header`?",
        "q.toml:3:1 max_age: 'soon' is not a duration such as '20 minutes' or '2h 30m': expected number at 0",
        "q.toml:4:1 retry_interval: 0s is too short; attempts are at least 1 second apart",
        "q.toml:6:1 `retry_intervl` is not an option of a queue; did you mean `retry_interval`?",
        "q.toml:7:11 `c` is not an option of a tenant; campaigns are written as [tenant.T.campaigns.C]",
        "q.toml:9:16 max_age: expected a duration such as '20 minutes', got a table",
    ];
    assert_eq!(told, expected);
}

#[test]
fn later_files_replace_values_and_lists_whole() {
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let files = [
        file("1", "[tenant.t]\nrequire_authz = ['a', 'b']\negress_pool = 'p'\n"),
        file("2", "[tenant.t]\nrequire_authz = ['c']\n[queue.'A.com']\nmax_age = '1h'\n"),
    ];

    let config = load::load(&files).config;

    let tenant = &config.tenants["t"];
    assert_eq!(
        (
            tenant.require_authz.as_ref().map(|allowed| allowed.value.as_slice()),
            tenant.level.options.iter().count(),
            config.destinations.contains_key("a.com")
        ),
        (Some(&["c".to_owned()][..]), 1, true)
    );
}

#[test]
fn two_keys_for_one_domain_are_an_error() {
    let told = findings("[queue.'Gmail.com']\n[queue.'gmail.com.']\n");

    assert_eq!(
        told,
        [(Severity::Error, "q.toml:2:8 'gmail.com.' and 'Gmail.com' are the same domain, `gmail.com`".to_owned())]
    );
}

#[test]
fn campaigns_have_a_rate_of_their_own() {
    let text = "[tenant.'a/b'.campaigns.c]\noverall_max_message_rate = '5/s'\n";
    let config = load::load(&[("q.toml".to_owned(), text.as_bytes().to_vec())]).config;

    let rates = (resolve::tenant_rate(&config, Some("a/b")), resolve::campaign_rate(&config, Some("a/b"), Some("c")));

    assert_eq!(rates, (None, Some(("a%2Fb/c".to_owned(), "5/s".parse().unwrap()))));
}
