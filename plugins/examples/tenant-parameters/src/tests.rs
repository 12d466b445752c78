use tollgate_sdk::{Configured, Diagnostic};

use super::*;

const EXAMPLE: &str = include_str!("../params.toml");

fn file(text: &str) -> File {
    File { name: "params.toml".to_owned(), content: text.as_bytes().to_vec() }
}

/// What is wrong with files that are.
fn refused(files: Vec<File>) -> Vec<String> {
    let refused = Parameters::configure(files).err().expect("a refusal");
    refused.diagnostics.iter().map(Diagnostic::to_string).collect()
}

/// The lines of the file that hold for a tenant's queues, in their order, with what they set.
fn layers(plugin: &Parameters, tenant: Option<&str>) -> Vec<(u32, String)> {
    plugin.layers(tenant).map(|parameter| (parameter.at.line, format!("{:?}", parameter.value))).collect()
}

fn example() -> Configured<Parameters> {
    Parameters::configure(vec![file(EXAMPLE)]).expect("the example is right")
}

#[test]
fn a_tenants_parameters_come_behind_the_global_ones() {
    let plugin = example().plugin;

    let tenants = [Some("TenantOne"), Some("TenantThree"), Some("nobody"), None].map(|tenant| layers(&plugin, tenant));

    let global = [(3, "MaxAge(86400s)"), (4, "RetryInterval(600s)"), (5, "MaxRetryInterval(6000s)")];
    let with = |own: &[(u32, &str)]| -> Vec<(u32, String)> {
        global.iter().chain(own).map(|(line, value)| (*line, (*value).to_owned())).collect()
    };
    let rate = "MaxMessageRate(Rate { limit: 100, period: 1s, max_burst: None, local: false })";
    let expected =
        [with(&[(9, "MaxAge(300s)")]), with(&[(13, rate), (12, "EgressPool(\"shared\")")]), with(&[]), with(&[])];
    assert_eq!(tenants, expected);
}

#[test]
fn pools_are_named_to_the_host_and_there_is_nothing_to_say() {
    let Configured { diagnostics, references, .. } = example();

    let at = Position { line: 12, column: 1 };
    assert_eq!((diagnostics, references), (vec![], vec![Reference::egress_pool("shared", "params.toml", at)]));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let wrong = "[param]\n[params]\nmax_aeg = '1h'\nretry_interval = '0s'\nmax_message_rate = 5\n\
                 [tenant_params.T]\nmax_age = true\negress_pool = 1\n[tenant_params]\nU = 5\n";

    let told = refused(vec![file(wrong)]);

    let expected = [
        "params.toml:1:2 `param` is not known in this file; did you mean `params`?",
        "params.toml:3:1 `max_aeg` is not an option of [params]; did you mean `max_age`?",
        "params.toml:4:1 retry_interval: attempts are at least 1 second apart",
        "params.toml:5:1 max_message_rate: expected text, got a number",
        "params.toml:7:1 max_age: expected a duration such as '20 minutes', got true or false",
        "params.toml:8:1 egress_pool: expected text, got a number",
        "params.toml:10:1 U: expected a table, got a number",
    ];
    assert_eq!(told, expected);
}

#[test]
fn with_another_number_of_files_it_says_what_it_needs() {
    let told = [0, 2].map(|count| refused(vec![file(EXAMPLE); count]));

    let expected = |count| vec![format!("this plugin takes one file, config = [\"FILE\"], and got {count}")];
    assert_eq!(told, [0, 2].map(expected));
}

#[test]
fn the_readme_shows_this_very_file() {
    let shown = format!("```toml\n# params.toml\n{EXAMPLE}```\n");

    assert!(include_str!("../README.md").contains(&shown));
}
