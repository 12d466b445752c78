//! `tollgate check` as an operator runs it.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    fs,
    process::{Command, Output},
};

const GOOD: &str = "[spool]\npath = 'spool'\n\
    [smtp.listener.main]\nlisten = '127.0.0.1:2525'\nhostname = 'mta.example'\n\
    [[plugin]]\nname = 'queue-helper'\ncomponent = 'builtin:queue-helper'\nconfig = ['queues.toml']\n\
    [pool.pool-1.unspecified]\n";

/// Checks a configuration of these two files, in its own folder.
fn check(tollgate: &str, queues: impl AsRef<[u8]>, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tollgate.toml"), tollgate).unwrap();
    fs::write(folder.path().join("queues.toml"), queues).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.current_dir(folder.path()).env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    let Output { status, stdout, stderr } = command.arg("check").args(arguments).output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_good_configuration_is_fine_and_has_so_much() {
    let checked = check(GOOD, "[tenant.t]\negress_pool = 'pool-1'\n", &["--config", "tollgate.toml"]);

    assert_eq!(checked, (Some(0), "tollgate.toml is fine: 1 listener, 1 plugin, 1 pool\n".to_owned(), String::new()));
}

#[test]
fn a_tenants_component_is_loaded_too_and_what_protects_it_is_looked_for() {
    let component = concat!(env!("CARGO_TARGET_TMPDIR"), "/queue-helper.wasm");
    fs::write(component, tollgate_testkit::guest::QUEUE_HELPER).unwrap();
    let tollgate = format!(
        "{GOOD}[tenant.open]\ncomponent = '{component}'\n[tenant.strict]\ncomponent = '{component}'\n\
         [tenant.gone]\nidentities = ['net:10.0.0.1']\ncomponent = 'gone.wasm'\n"
    );
    let queues = "[tenant.open]\n[tenant.strict]\nrequire_authz = ['scott']\n[tenant.gone]\n";

    let (status, said, _) = check(&tollgate, queues, &["--config", "tollgate.toml"]);

    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with(' ')).collect();
    let missing = "plugin 'tenant:gone': gone.wasm: No such file or directory (os error 2)";
    let unprotected = "tenant 'open' has a component and no `identities`: whoever may relay can name the tenant, and have its \
                       component judge other mail; list its users, tokens and networks here, or write `require_authz` in \
                       [tenant.open] of queues.toml";
    let unasked = "handles throttles, which tenants' components are not asked for";
    let expected = [
        format!("tollgate.toml:17:1 error: {missing}"),
        format!("tollgate.toml:11:9 warning: {unprotected}"),
        format!("tollgate.toml:12:1 note: plugin 'tenant:open': {unasked}"),
        format!("tollgate.toml:14:1 note: plugin 'tenant:strict': {unasked}"),
        "tollgate.toml cannot be used: 1 error, 1 warning, 2 notes".to_owned(),
    ];
    assert_eq!((status, lines), (Some(2), expected.iter().map(String::as_str).collect()));
}

#[test]
fn every_mistake_in_the_plugins_files_is_shown_at_its_place_errors_first() {
    let queues = "[queue.default.t]\nmax_age = '1h'\n[queue.'a.com']\n  retry_intervl = '5m'\nmax_age = 'soon'\n\
                  [tenant.t.campaigns.c]\nmax_age = '1h'\n";

    let checked = check(GOOD, queues, &["--config", "tollgate.toml"]);

    let expected = "\
queues.toml:4:3 error: `retry_intervl` is not an option of a queue; did you mean `retry_interval`?
      retry_intervl = '5m'
      ^
queues.toml:5:1 error: max_age: 'soon' is not a duration such as '20 minutes' or '2h 30m': expected number at 0
    max_age = 'soon'
    ^
queues.toml:1:16 warning: [queue.default.'t'] is never used; write [tenant.'t'] for all destinations of a tenant
    [queue.default.t]
                   ^
queues.toml:7:1 note: max_age: KumoMTA ignores this here; Tollgate honours it
    max_age = '1h'
    ^
tollgate.toml cannot be used: 2 errors, 1 warning, 1 note
";
    assert_eq!(checked, (Some(2), expected.to_owned(), String::new()));
}

#[test]
fn a_pool_that_only_the_plugins_file_names_is_an_error_where_it_is_named() {
    let checked = check(GOOD, "[tenant.t]\negress_pool = 'pool-2'\n", &["--config", "tollgate.toml"]);

    let expected = "\
queues.toml:2:1 error: egress_pool: pool 'pool-2' is not defined in tollgate.toml as [pool.'pool-2'.SOURCE]; \
                    did you mean `pool-1`?
    egress_pool = 'pool-2'
    ^
tollgate.toml cannot be used: 1 error
";
    assert_eq!(checked, (Some(2), expected.to_owned(), String::new()));
}

#[test]
fn an_undefined_pool_at_every_level_is_told_with_the_other_mistakes_in_their_order() {
    let queues = "default_tennant = 't'\n[tenant.t]\negress_pool = 'a'\n[tenant.t.campaigns.c]\negress_pool = 'b'\n\
                  [queue.default]\negress_pool = 'c'\n[queue.'a.com']\negress_pool = 'd'\nmax_aeg = '1h'\n\
                  [queue.'a.com'.t]\negress_pool = 'e'\n[queue.'a.com'.t.c]\negress_pool = 'f'\nmax_age = 'soon'\n\
                  [queue.'b.com']\negress_pool = 'pool-1'\n";

    let (code, json, _) = check(GOOD, queues, &["--config", "tollgate.toml", "--json"]);

    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    let word = |error: &serde_json::Value| {
        let words = error["message"].as_str().unwrap().split(['\'', '`']).nth(1).unwrap().to_owned();
        (error["line"].as_u64().unwrap(), words)
    };
    let told: Vec<(u64, String)> = told["errors"].as_array().unwrap().iter().map(word).collect();
    let expected = [
        (1, "default_tennant"),
        (3, "a"),
        (5, "b"),
        (7, "c"),
        (9, "d"),
        (10, "max_aeg"),
        (12, "e"),
        (14, "f"),
        (15, "soon"),
    ];
    assert_eq!((code, told), (Some(2), expected.map(|(line, word)| (line, word.to_owned())).to_vec()));
}

#[test]
fn two_doors_with_one_address_and_a_missing_file_are_errors_of_tollgate_toml() {
    let twice = format!("{GOOD}[http]\nlisten = '0.0.0.0:2525'\n");
    let gone = GOOD.replace("queues.toml", "gone.toml");

    let checked = [twice, gone].map(|text| check(&text, "", &["--config", "tollgate.toml"]).1);

    let expected = [
        "tollgate.toml:12:1 error: listen: 0.0.0.0:2525 is taken: [smtp.listener.main] listens on 127.0.0.1:2525\n    \
         listen = '0.0.0.0:2525'\n    ^\ntollgate.toml cannot be used: 1 error\n",
        "tollgate.toml:9:11 error: plugin 'queue-helper': gone.toml: No such file or directory (os error 2)\n    \
         config = ['gone.toml']\n              ^\ntollgate.toml cannot be used: 1 error\n",
    ];
    assert_eq!(checked, expected);
}

#[test]
fn warnings_alone_are_no_failure() {
    let checked = check(GOOD, "[queue.'a.com']\noverall_max_message_rate = '1/s'\n", &["--config", "tollgate.toml"]);

    let expected = "\
queues.toml:2:1 warning: overall_max_message_rate has no effect here; it belongs into [tenant.T] or \
                    [tenant.T.campaigns.C]
    overall_max_message_rate = '1/s'
    ^
tollgate.toml can be used, with 1 warning: 1 listener, 1 plugin, 1 pool
";
    assert_eq!(checked, (Some(0), expected.to_owned(), String::new()));
}

#[test]
fn findings_come_as_json_too() {
    let (code, json, _) = check(GOOD, "max_age = \n", &["--config", "tollgate.toml", "--json"]);

    let message = "string values must be quoted, expected literal string";
    let error = serde_json::json!({"file": "queues.toml", "line": 1, "column": 11, "message": message});
    let expected = serde_json::json!({"ok": false, "errors": [error], "warnings": [], "notes": []});
    assert_eq!((code, serde_json::from_str(&json).ok()), (Some(2), Some(expected)));
}

#[test]
fn a_file_that_cannot_be_read_is_said_in_one_line() {
    let said = ["nowhere.toml", "tolgate.toml", "."].map(|file| check(GOOD, "", &["--config", file]));

    let expected = [
        "tollgate: nowhere.toml: No such file or directory (os error 2)\n",
        "tollgate: tolgate.toml: No such file or directory (os error 2); did you mean `tollgate.toml`?\n",
        "tollgate: .: a directory, not a file; did you mean `./tollgate.toml`?\n",
    ];
    assert_eq!(said, expected.map(|line| (Some(2), String::new(), line.to_owned())));
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_in_json() {
    let (code, json, said) = check(GOOD, "", &["--config", "nowhere.toml", "--json"]);

    let message = "No such file or directory (os error 2)";
    let error = serde_json::json!({"file": "nowhere.toml", "line": null, "column": null, "message": message});
    let expected = serde_json::json!({"ok": false, "errors": [error], "warnings": [], "notes": []});
    assert_eq!((code, serde_json::from_str(&json).ok(), said.as_str()), (Some(2), Some(expected), ""));
}

/// Checks, and returns the places and messages alone, without the lines of the files.
fn told(tollgate: &str, queues: impl AsRef<[u8]>) -> Vec<String> {
    let (_, said, _) = check(tollgate, queues, &["--config", "tollgate.toml"]);
    said.lines().filter(|line| !line.starts_with("    ")).map(str::to_owned).collect()
}

#[test]
fn errors_of_both_files_are_told_at_once() {
    let broken = GOOD.replace("hostname =", "hostnam =");

    let seen = told(&broken, "[queue.default]\negress_pool = 'pool-2'\nmax_aeg = '1h'\n");

    let expected = [
        "tollgate.toml:3:16 error: [smtp.listener.main] needs `hostname`",
        "tollgate.toml:5:1 error: `hostnam` is not an option of [smtp.listener.main]; did you mean `hostname`?",
        "queues.toml:2:1 error: egress_pool: pool 'pool-2' is not defined in tollgate.toml as [pool.'pool-2'.SOURCE]; \
         did you mean `pool-1`?",
        "queues.toml:3:1 error: `max_aeg` is not an option of a queue; did you mean `max_age`?",
        "tollgate.toml cannot be used: 4 errors",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn what_only_follows_from_another_error_is_not_told() {
    let queues = "[tenant.t]\negress_pool = 'pool-1'\nmax_aeg = '1h'\n";
    let files = [
        GOOD.replace("[pool.pool-1.unspecified]", "[pool.pool-1]\nunspecified = 1"),
        GOOD.replace("[pool.", "[pol."),
        format!("pool = 1\n{}", GOOD.replace("[pool.pool-1.unspecified]\n", "")),
        GOOD.replace("'spool'", "spool"),
        GOOD.replace(".unspecified]", ".unspecified"),
    ];

    let seen = files.map(|file| told(&file, queues).iter().map(|line| place(line)).collect::<Vec<_>>());

    let expected = [
        vec!["tollgate.toml:11:1", "queues.toml:3:1", "tollgate.toml:10:7"],
        vec!["tollgate.toml:10:2", "queues.toml:3:1"],
        vec!["tollgate.toml:1:1", "queues.toml:3:1"],
        vec!["tollgate.toml:2:8", "queues.toml:3:1"],
        vec!["tollgate.toml:10:25", "queues.toml:3:1"],
    ];
    assert_eq!(seen.map(|places| places[..places.len() - 1].to_vec()), expected.map(|places| places.to_vec()));
}

/// Returns the first word of a line.
fn place(line: &str) -> String {
    line.split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn a_plugin_whose_section_is_broken_is_not_configured_by_halves() {
    let broken = GOOD.replace("config = ['queues.toml']", "config = ['queues.toml', 5]");

    let seen = told(&broken, "max_aeg = '1h'\n");

    let expected =
        ["tollgate.toml:9:26 error: config: expected text, got a number", "tollgate.toml cannot be used: 1 error"];
    assert_eq!(seen, expected);
}

#[test]
fn an_empty_file_needs_a_spool_and_a_door() {
    let seen = check("", "", &["--config", "tollgate.toml"]);

    let expected = "\
tollgate.toml:1:1 error: no spool; write [spool] with `path`, the folder in which accepted mail is kept
tollgate.toml:1:1 error: nothing to listen on; write [smtp.listener.NAME] or [http] with `listen`
tollgate.toml cannot be used: 2 errors
";
    assert_eq!(seen, (Some(2), expected.to_owned(), String::new()));
}

#[test]
fn what_is_no_text_has_a_place_in_either_file() {
    let (text, octet) = ("[queue.default]\n# caf\u{fc} ".as_bytes(), b"\xe9\n".as_slice());

    let seen = check(GOOD, [text, octet].concat(), &["--config", "tollgate.toml"]).1;

    let expected = "queues.toml:2:8 error: not UTF-8: octet 0xE9; save the file as UTF-8\n    # caf\u{fc} \u{fffd}\n           \
                    ^\ntollgate.toml cannot be used: 1 error\n";
    assert_eq!(seen, expected);
}

#[test]
fn a_password_hash_that_is_none_is_an_error_and_not_repeated() {
    let plain = format!("{GOOD}[auth.user.scott]\npassword_hash = 'tiger'\n");

    let seen = check(&plain, "", &["--config", "tollgate.toml"]);

    let expected = "\
tollgate.toml:12:1 error: password_hash: not an argon2id PHC string ($argon2id$v=19$m=…,t=…,p=…$SALT$HASH); make one with \
                    `argon2 SALT -id -e`
    password_hash = …
    ^
tollgate.toml cannot be used: 1 error
";
    assert_eq!(seen, (Some(2), expected.to_owned(), String::new()));
}

#[test]
fn keys_that_are_there_twice_are_told_by_name() {
    let seen = told(&format!("{GOOD}weight = 1\nweight = 2\n"), "[queue.default]\n[queue.default]\n");

    let expected = [
        "tollgate.toml:12:1 error: duplicate key `weight`",
        "queues.toml:2:8 error: duplicate key `default`",
        "tollgate.toml cannot be used: 2 errors",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_component_that_is_none_is_told_where_it_is_named() {
    let files =
        ["gone.wasm", "queues.toml", "builtin:queue-helpr"].map(|name| GOOD.replace("builtin:queue-helper", name));

    let seen = files.map(|file| told(&file, "")[0].clone());

    let expected = [
        "tollgate.toml:8:1 error: plugin 'queue-helper': gone.wasm: No such file or directory (os error 2)",
        "tollgate.toml:8:1 error: plugin 'queue-helper': queues.toml: not a WebAssembly file",
        "tollgate.toml:8:1 error: component: there is no built-in component 'queue-helpr'; there is builtin:queue-helper",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn colour_is_used_where_it_is_asked_for() {
    let queues = "[queue.default.t]\n";
    let always = ["--config", "tollgate.toml", "--color", "always"];

    let (_, seen, _) = check(GOOD, queues, &always);

    let expected = "\u{1b}[1mqueues.toml:1:16\u{1b}[0m \u{1b}[1;33mwarning:\u{1b}[0m [queue.default.'t'] is never used; write \
                    [tenant.'t'] for all destinations of a tenant\n    [queue.default.t]\n                   \
                    \u{1b}[1;33m^\u{1b}[0m\ntollgate.toml \u{1b}[1;32mcan be used\u{1b}[0m, with 1 warning: 1 listener, 1 \
                    plugin, 1 pool\n";
    assert_eq!(seen, expected);
}
