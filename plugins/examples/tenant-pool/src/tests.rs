use tollgate_sdk::{Configured, Diagnostic, config::Position};

use super::*;

const EXAMPLE: &str = include_str!("../pools.toml");

fn configure(text: &str) -> Outcome<Pools> {
    Pools::configure(vec![File { name: "pools.toml".to_owned(), content: text.as_bytes().to_vec() }])
}

/// What is wrong with a file that is.
fn refused(text: &str) -> Vec<String> {
    let refused = configure(text).err().expect("a refusal");
    refused.diagnostics.iter().map(Diagnostic::to_string).collect()
}

#[test]
fn a_tenant_has_the_pool_of_its_name_and_all_others_have_none() {
    let pools = configure(EXAMPLE).expect("the example is right").plugin;

    let chosen = [Some("TenantOne"), Some("TenantTwo"), Some("tenantone"), Some("nobody"), None];
    let chosen = chosen.map(|tenant| pools.choose(tenant));

    let (listed, none) = (Some("pools.toml:2"), ("unspecified", None));
    assert_eq!(chosen, [("TenantOne", listed), ("TenantTwo", listed), none, none, none]);
}

#[test]
fn each_pool_is_named_to_the_host_with_its_place() {
    let Configured { diagnostics, references, .. } = configure(EXAMPLE).expect("the example is right");

    let pool = |name, column| Reference::egress_pool(name, "pools.toml", Position { line: 2, column });
    assert_eq!((diagnostics, references), (vec![], vec![pool("TenantOne", 10), pool("TenantTwo", 23)]));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let told = ["pool = ['a']\n", "pools = 'a'\n", "pools = ['a', 5,\n  'b', {}]\n"].map(refused);

    let expected = [
        vec![
            "pools.toml:1:1 this file needs `pools`",
            "pools.toml:1:1 `pool` is not known in this file; did you mean `pools`?",
        ],
        vec!["pools.toml:1:1 pools: expected a list of texts, got text"],
        vec!["pools.toml:1:15 pools: expected text, got a number", "pools.toml:2:8 pools: expected text, got a table"],
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_pool_that_is_listed_twice_is_a_warning() {
    let told = configure("pools = ['a', 'b', 'a']\n").expect("no more than a warning").diagnostics;

    assert_eq!(
        told.iter().map(Diagnostic::to_string).collect::<Vec<_>>(),
        ["pools.toml:1:20 pools: 'a' is listed twice"]
    );
}

#[test]
fn the_readme_shows_this_very_file() {
    let shown = format!("```toml\n# pools.toml\n{EXAMPLE}```\n");

    assert!(include_str!("../README.md").contains(&shown));
}
