//! What a tenant's own component says, in an explanation.

use crate::kit::{TOLLGATE, person_with};

const TENANT: &str = "[tenant.t]\nidentities = ['user:scott']\ncomponent = 'greedy.wasm'\n\
    [tenant.t.bounds]\nretry_interval = '5m'\n\
    [tenant.broken]\nidentities = ['net:10.0.0.2']\ncomponent = 'gone.wasm'\n";

fn ask(arguments: &[&str], titles: &[&str]) -> String {
    let (_, said, _) = person_with(&format!("{TOLLGATE}{TENANT}"), &[&["--config", "more.toml"], arguments].concat());
    let wanted = |section: &&str| titles.iter().any(|title| section.starts_with(title));
    said.trim_end().split("\n\n").filter(wanted).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn the_bounds_that_a_tenant_met_are_told_with_their_lines() {
    let queue = |name: &str| ask(&["--queue", name], &["Bounds"]);

    let told = [queue("at once:t@b.com"), queue("clear the age:t@a.com"), queue("spring:t@a.com"), queue("b.com")];

    let title = "Bounds     what the tenant's component wanted and did not get";
    let expected = [
        format!("{title}\n  retry_interval  wanted 1s  bound 5m by  more.toml:19"),
        format!("{title}\n  max_age  wanted none  bound 1h 30m by  queues.toml:10"),
        String::new(),
        String::new(),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_tenants_verdict_stands_behind_the_operators() {
    let mail = |tenant: &str, wish: &str| {
        let (tenant, wish) = (format!("X-Tenant: {tenant}"), format!("X-Try: {wish}"));
        ask(&["--to", "u@b.com", "--user", "scott", "--header", &tenant, "--header", &wish], &["Verdict"])
    };

    let told = mail("t", "reject");

    let expected = "Verdict    reject: 550 5.7.1 told to\n  queue-helper  accept  more.toml:6\n  tenant:t      reject  more.toml:15";
    assert_eq!(told, expected);
}
