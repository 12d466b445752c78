//! Everything that is wrong with a file, at once, each with its place and its line.

use crate::a_program_that_cannot_start_says_why::refusal;
use crate::kit::{Folder, TOLLGATE};

#[test]
fn all_errors_of_tollgate_toml_are_told() {
    let broken = TOLLGATE
        .replace("hostname =", "hostnam =")
        .replace("source_address = \"127.0.0.12\"", "source_address = \"127.0.0.300\"")
        .replace("[pool.pool-1.ip-1]", "[pool.pool-1.ip-9]");

    let seen = refusal(&Folder::new(&broken, ""));

    let expected = r#"FOLDER/tollgate.toml:5:16 error: [smtp.listener.main] needs `hostname`
    [smtp.listener.main]
                   ^
FOLDER/tollgate.toml:7:1 error: `hostnam` is not an option of [smtp.listener.main]; did you mean `hostname`?
    hostnam = "mta.example"
    ^
FOLDER/tollgate.toml:22:1 error: source_address: '127.0.0.300' is not an IP address
    source_address = "127.0.0.300"
    ^
FOLDER/tollgate.toml:28:14 error: pool 'pool-1' references source 'ip-9', which is not defined as [source.'ip-9']; did you mean `ip-1`?
    [pool.pool-1.ip-9]
                 ^
"#;
    assert_eq!(seen, (Some(2), expected.to_owned()));
}

#[test]
fn all_errors_of_queues_toml_are_told() {
    let queues = "tenant_heder = 'X-Tenant'\n[queue.default]\nmax_age = '1 fortnight'\nretry_interval = '2 seconds'\n";

    let seen = refusal(&Folder::new(TOLLGATE, queues));

    let expected = "queues.toml:1:1 error: `tenant_heder` is not an option of this file; did you mean `tenant_header`?
    tenant_heder = 'X-Tenant'
    ^
queues.toml:3:1 error: max_age: '1 fortnight' is not a duration such as '20 minutes' or '2h 30m': unknown time unit \
                    \"fortnight\", supported units: ns, us/µs, ms, sec, min, hours, days, weeks, months, years (and few \
                    variations)
    max_age = '1 fortnight'
    ^
";
    assert_eq!(seen, (Some(2), expected.to_owned()));
}

#[test]
fn errors_of_both_files_are_told_at_once() {
    let broken = TOLLGATE.replace("hostname =", "hostnam =");

    let seen = refusal(&Folder::new(&broken, "[queue.default]\negress_pool = 'pool-9'\nmax_aeg = '1h'\n"));

    let expected = r#"FOLDER/tollgate.toml:5:16 error: [smtp.listener.main] needs `hostname`
    [smtp.listener.main]
                   ^
FOLDER/tollgate.toml:7:1 error: `hostnam` is not an option of [smtp.listener.main]; did you mean `hostname`?
    hostnam = "mta.example"
    ^
queues.toml:2:1 error: egress_pool: pool 'pool-9' is not defined in tollgate.toml as [pool.'pool-9'.SOURCE]; did you mean `pool-1`?
    egress_pool = 'pool-9'
    ^
queues.toml:3:1 error: `max_aeg` is not an option of a queue; did you mean `max_age`?
    max_aeg = '1h'
    ^
"#;
    assert_eq!(seen, (Some(2), expected.to_owned()));
}

#[test]
fn a_pool_that_only_queues_toml_knows_is_told() {
    let seen = refusal(&Folder::new(TOLLGATE, "[queue.default]\negress_pool = 'pool-9'\n"));

    let expected =
        "queues.toml:2:1 error: egress_pool: pool 'pool-9' is not defined in tollgate.toml as [pool.'pool-9'.SOURCE]; did \
         you mean `pool-1`?
    egress_pool = 'pool-9'
    ^
";
    assert_eq!(seen, (Some(2), expected.to_owned()));
}

#[test]
fn a_file_that_is_no_toml_is_told() {
    let seen = refusal(&Folder::new("[spool\npath = \"spool\"\n", ""));

    let expected = "FOLDER/tollgate.toml:1:7 error: unclosed table, expected `]`
    [spool
          ^
";
    assert_eq!(seen, (Some(2), expected.to_owned()));
}
