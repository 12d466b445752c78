//! What is said about files: each mistake once, at its place, with what to write instead.

use tollgate_config::Severity;

use crate::load;

/// What is said about one file, each as `severity line:column message`.
fn said_of(name: &str, text: &str) -> Vec<String> {
    let loaded = load::load(&[(name.to_owned(), text.as_bytes().to_vec())]);
    let word = |severity| match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let said = loaded.findings.iter().map(|finding| format!("{} {finding}", word(finding.severity)));
    said.map(|said| said.replacen(&format!("{name}:"), "", 1)).collect()
}

fn said(text: &str) -> Vec<String> {
    said_of("q.toml", text)
}

/// What is said about a setting of `[queue.default]`, without its place, which is that of its key.
fn said_of_setting(setting: &str) -> Vec<String> {
    said(&format!("[queue.default]\n{setting}\n")).iter().map(|said| said.replacen(" 2:1 ", " ", 1)).collect()
}

macro_rules! says {
    ($($name:ident: $said:expr => $expected:expr;)+) => { $(
        #[test]
        fn $name() {
            let expected: &[&str] = &$expected;
            assert_eq!($said, expected);
        }
    )+ };
}

says! {
    a_tenant_of_queue_default_is_told_to_be_unused_in_both_forms:
        said("[queue.default.t]\n[queue.default.tenants.u]\n") => [
            "warning 1:16 [queue.default.'t'] is never used; write [tenant.'t'] for all destinations of a tenant",
            "warning 2:24 [queue.default.'u'] is never used; write [tenant.'u'] for all destinations of a tenant",
        ];
    a_table_that_looks_like_an_option_is_a_tenant_with_a_warning_unless_it_is_written_as_one:
        said("[queue.'a.com'.max_agee]\n[queue.'a.com'.tenants.max_agf]\n[queue.'a.com'.t.campaigns.protocoll]\n") => [
            "warning 1:16 `max_agee` is taken for the name of a tenant; did you mean `max_age`? A tenant of that name can be \
             written in the table `tenants`",
        ];
    what_kumomta_ignores_is_a_note_and_what_has_no_effect_here_too_gets_one_note:
        said("[tenant.t.campaigns.c]\nmax_age = '1h'\nstrategy = 'SkipList'\noverall_max_message_rate = '1/s'\n\
              routing_domain = 'r.example'\nretry_interval = 'x'\n") => [
            "note 2:1 max_age: KumoMTA ignores this here; Tollgate honours it",
            "note 3:1 strategy has no effect: this engine has one timer wheel for all queues",
            "note 5:1 routing_domain: KumoMTA ignores this here; Tollgate honours it",
            "error 6:1 retry_interval: 'x' is not a duration such as '20 minutes' or '2h 30m': expected number at 0",
        ];
    an_overall_rate_without_an_effect_is_a_warning:
        said("[queue.'b.com']\noverall_max_message_rate = '1/s'\n") => [
            "warning 2:1 overall_max_message_rate has no effect here; it belongs into [tenant.T] or [tenant.T.campaigns.C]",
        ];
    options_of_another_engine_are_noted:
        said("[queue.default]\nstrategy = 'TimerWheel'\ntimerwheel_tick_interval = '1s'\n\
              shrink_policy = [{interval = 5, policy = 'NoShrink'}]\n") => [
            "note 2:1 strategy has no effect: this engine has one timer wheel for all queues",
            "note 3:1 timerwheel_tick_interval has no effect: this engine's timer wheel ticks every 100 ms",
            "note 4:1 shrink_policy has no effect: this engine keeps no message in memory while it waits",
        ];
    a_refresh_interval_says_that_it_needs_ttl:
        said_of_setting("refresh_interval = '10s'") => ["note refresh_interval has no effect without refresh_strategy = 'Ttl'"];
    with_ttl_a_refresh_interval_is_fine:
        said("[queue.default]\nrefresh_interval = '10s'\n[tenant.t]\nrefresh_strategy = 'Ttl'\n") => [];
    a_key_that_is_right_elsewhere_says_where:
        said("max_age = '1h'\n[queue.default]\ntenant_header = 'X'\nmx_list = ['a']\nrequire_authz = ['a']\nconnection_limit = 3\n\
              [tenant.t]\nrouting_domain = 'a.b'\n") => [
            "error 1:1 `max_age` is not an option of this file; it belongs to a queue or a tenant: [queue.default], \
             [queue.'domain'] or [tenant.T]",
            "error 3:1 `tenant_header` is not an option of a queue; it belongs to the top of the file, before the first table",
            "error 4:1 `mx_list` is not an option of a queue; it is a part of protocol: protocol.smtp.mx_list = ['host']",
            "error 5:1 `require_authz` is not an option of a queue; it belongs to a tenant, [tenant.T]",
            "error 6:1 `connection_limit` is not an option of a queue; it belongs to a path: [egress.default] in tollgate.toml",
            "error 8:1 `routing_domain` is not an option of a tenant; it belongs to a destination, [queue.'domain'], or to a \
             campaign, [tenant.T.campaigns.C]",
        ];
    undefined_tenants_are_warned_of_with_the_nearest_that_is_defined:
        said("default_tenant = 'alic'\n[tenant.alice]\n[tenant.bob]\n[queue.'a.com'.alcie]\n[queue.'a.com'.bob]\n") => [
            "warning 1:1 default_tenant: no [tenant.'alic'] defines it; mail that names no tenant is refused; did you mean `alice`?",
            "warning 4:16 no [tenant.'alcie'] defines this tenant; mail that names it is refused; did you mean `alice`?",
        ];
    a_domain_without_quotes_is_warned_of:
        said("[queue.gmail.com]\nmax_age = '1h'\n") => [
            "warning 1:14 `com` is taken for a tenant and `gmail` for a domain; a domain with dots is written in quotes, \
             [queue.'gmail.com']",
        ];
    a_star_in_the_middle_is_warned_of:
        said("[queue.'*']\n[queue.'*.a.com']\n[queue.'a.*.com']\n[queue.'*a.com']\n") => [
            "warning 3:8 'a.*.com' matches no domain: `*` stands alone, or for the labels in front, as in '*.example.com'",
            "warning 4:8 '*a.com' matches no domain: `*` stands alone, or for the labels in front, as in '*.example.com'",
        ];
    names_that_no_mail_can_have_are_warned_of:
        said("[tenant.'']\n[tenant.' t']\n[tenant.t.campaigns.'c ']\n") => [
            "warning 1:9 no mail has a tenant with an empty name; this is never used",
            "warning 2:9 ' t' is never used: blanks around the name of a tenant are dropped from a header",
            "warning 3:21 'c ' is never used: blanks around the name of a campaign are dropped from a header",
        ];
    headers_are_names_of_header_fields:
        said("scheduling_header = 'X-S:'\ntenant_header = 'X T'\ncampaign_header = ''\nremove_campaign_header = true\n\
              remove_tenant_header = 1\n") => [
            "error 1:1 scheduling_header: 'X-S:' is no name of a header field: it holds ':'",
            "error 2:1 tenant_header: 'X T' is no name of a header field: it holds ' '",
            "warning 3:1 campaign_header is empty, which is as if it were not there",
            "warning 4:1 remove_campaign_header has no effect: no campaign_header is given",
            "error 5:1 remove_tenant_header: expected true or false, got a number",
        ];
    a_cap_under_a_second_is_read_and_noted:
        said_of_setting("max_retry_interval = '500ms'") => [
            "note max_retry_interval: 500ms counts as 1 second; attempts are at least that far apart",
        ];
    a_table_of_queue_default_that_looks_like_an_option_is_told_to_be_unused_besides:
        said("[queue.default.retry_intervall]\n") => [
            "warning 1:16 `retry_intervall` is taken for the name of a tenant; did you mean `retry_interval`? A tenant of that \
             name can be written in the table `tenants`",
            "warning 1:16 [queue.default.'retry_intervall'] is never used; write [tenant.'retry_intervall'] for all \
             destinations of a tenant",
        ];
    identities_that_nobody_has_are_told:
        said("[tenant.t]\nrequire_authz = ['', ' a ', 'a']\n[tenant.u]\nrequire_authz = ['\t']\n") => [
            "error 2:18 require_authz: a name is empty; no user or token has that name",
            "warning 2:22 require_authz: no user or token is called ' a ', blanks and all",
            "error 4:18 require_authz: a name is empty; no user or token has that name",
        ];
    a_key_that_was_shortened_or_half_remembered_finds_its_option:
        said("tenant_hdr = 'X'\nschedule_header = 'X'\n[queue.default]\nmax_retry = 1\nretry_int = 1\nmessage_rate = 1\n\
              MAX_AGE = 1\npool = 'p'\noverall_max_rate = 1\ncolour = 1\n") => [
            "error 1:1 `tenant_hdr` is not an option of this file; did you mean `tenant_header`?",
            "error 2:1 `schedule_header` is not an option of this file; did you mean `scheduling_header`?",
            "error 4:1 `max_retry` is not an option of a queue; did you mean `max_retry_interval`?",
            "error 5:1 `retry_int` is not an option of a queue; did you mean `retry_interval`?",
            "error 6:1 `message_rate` is not an option of a queue; did you mean `max_message_rate`?",
            "error 7:1 `MAX_AGE` is not an option of a queue; did you mean `max_age`?",
            "error 8:1 `pool` is not an option of a queue; did you mean `egress_pool`?",
            "error 9:1 `overall_max_rate` is not an option of a queue; did you mean `overall_max_message_rate`?",
            "error 10:1 `colour` is not an option of a queue",
        ];
    a_mark_in_front_of_the_text_counts_as_no_column:
        said("\u{feff}max_aeg = 1\n") => ["error 1:1 `max_aeg` is not an option of this file"];
    every_bad_identity_is_told_where_it_is:
        said("[tenant.t]\nrequire_authz = ['a',\n 1,\n true]\n[tenant.u]\nrequire_authz = 'x'\n[tenant.v]\nrequire_authz = []\n") => [
            "error 3:2 require_authz: expected the name of a user or token, got a number",
            "error 4:2 require_authz: expected the name of a user or token, got true or false",
            "error 6:1 require_authz: expected a list of names, got text",
            "note 8:1 require_authz is an empty list: no one may use this tenant",
        ];
    a_table_where_a_table_must_be:
        said("tenant = 1\n[queue]\n'a.com' = 'x'\n'b.com'.tenants = 3\n'b.com'.t.campaigns = 4\n'b.com'.t.c = 'x'\n") => [
            "error 1:1 tenant: expected a table, got a number",
            "error 3:1 a.com: expected a table, got text",
            "error 4:9 tenants: expected a table, got a number",
            "error 5:11 campaigns: expected a table, got a number",
            "error 6:11 `c` is not an option of a queue",
        ];
    the_fourth_level_is_an_error:
        said("[queue.'a.com'.t.c.d]\nmax_age = '1h'\n") => ["error 1:20 `d` is not an option of a campaign"];
    every_mistake_in_a_protocol_is_told_where_it_is:
        said("[queue.default.protocol.smtp]\nmx_list = ['a.example:0',\n '[10.0.0.300]', 'b..c',\n {name = 'x', addr = 'y'},\n \
              {addr = '::1'}, 7, 'ok.example:2525', '[::1]:25', '127.0.0.1:26']\ntreat_mx_list_as_secure = 1\nmx_lst = []\n") => [
            "error 2:12 protocol: smtp.mx_list: '0' in 'a.example:0' is no port; ports are 1 to 65535",
            "error 3:2 protocol: smtp.mx_list: '10.0.0.300' in brackets is no IP address",
            "error 3:18 protocol: smtp.mx_list: 'b..c' is no host name",
            "error 4:15 protocol: addr: 'y' is no IP address, such as 192.0.2.1 or 2001:db8::1",
            "error 5:2 protocol: smtp.mx_list: `name` is missing; a next hop is {name, addr}",
            "error 5:18 protocol: smtp.mx_list: expected a host, `host:port` or `[ip]`, got a number",
            "error 6:1 protocol: smtp.treat_mx_list_as_secure: expected true or false, got a number",
            "error 7:1 protocol: `mx_lst` is no option of smtp; there are mx_list, treat_mx_list_as_secure; did you mean `mx_list`?",
        ];
    methods_that_cannot_be_name_the_alternative:
        said("[queue.'a.com'.protocol.custom_lua]\nconstructor = 'x'\n[queue.'b.com'.protocol.xfer]\ntarget = 'http://x'\n\
              [queue.'c.com'.protocol.smpt]\n") => [
            "error 1:25 protocol: custom_lua is not possible here; write a plugin instead",
            "error 3:25 protocol: xfer is not possible here; route with protocol.smtp.mx_list instead",
            "error 5:25 protocol: `smpt` is no delivery method; there are smtp, maildir_path",
        ];
    a_maildir_has_a_path_and_permissions:
        said_of_setting("protocol = {maildir_path = '/x', dir_mode = 0o755, file_mode = 384}") => [];
    two_methods_are_one_too_many:
        said_of_setting("protocol = {smtp = {}, maildir_path = '/x'}") => [
            "warning 2:24 protocol: smtp and maildir_path are two delivery methods; smtp is used",
        ];
    permissions_alone_are_no_method:
        said_of_setting("protocol = {dir_mode = 0o755}") => [
            "error protocol: names no delivery method; there are smtp and maildir_path",
        ];
    permissions_are_octal_numbers:
        said_of_setting("protocol = {maildir_path = '', dir_mode = 0o10000, file_mode = '644'}") => [
            "error 2:13 protocol: maildir_path: expected a path, got an empty text",
            "error 2:32 protocol: dir_mode: expected permissions from 0 to 0o7777, such as 0o750",
            "error 2:52 protocol: file_mode: expected permissions from 0 to 0o7777, such as 0o750",
        ];
    a_shrink_policy_has_both_parts:
        said_of_setting("shrink_policy = [{interval = '1s'}, {policy = 'ShrinkDat'}, {interval = '1 parsec', policy = 'NoShrink', x = 1}, 3]") => [
            "error 2:18 shrink_policy: `policy` is missing; an entry is {interval, policy}",
            "error 2:37 shrink_policy: `interval` is missing; an entry is {interval, policy}",
            "error 2:38 shrink_policy: 'ShrinkDat' is none of ShrinkDataAndMeta, ShrinkData, NoShrink; did you mean `ShrinkData`?",
            "error 2:62 shrink_policy: '1 parsec' is not a duration such as '20 minutes' or '2h 30m': unknown time unit \
             \"parsec\", supported units: ns, us/\u{b5}s, ms, sec, min, hours, days, weeks, months, years (and few variations)",
            "error 2:106 shrink_policy: `x` is neither interval nor policy",
            "error 2:114 shrink_policy: expected {interval, policy}, got a number",
        ];
    what_a_syntax_error_spoils_names_nothing:
        said("[tenant.t]\negress_pool = pool-1\nmax_age = '1h'\n[queue.*.com]\nmax_aeg = '1h'\n[queue.'a.com']\nmax_aeg = '1h'\n") => [
            "error 2:15 string values must be quoted, expected literal string",
            "error 4:8 invalid unquoted key, expected letters, numbers, `-`, `_`",
            "error 7:1 `max_aeg` is not an option of a queue; did you mean `max_age`?",
        ];
    json_has_the_same_structure_positions_and_words:
        said_of("q.json", "{\n  \"default_tenant\": null,\n  \"tenant\": {\"t\": {\"max_aeg\": 3, \"max_age\": null}},\n  \"queues\": \
                           {\"ä.com\": {\"retry_interval\": true, \"retry_interval\": 3}}\n}\n") => [
            "error 3:20 `max_aeg` is not an option of a tenant; did you mean `max_age`?",
            "error 4:24 retry_interval: expected a duration such as '20 minutes', got true or false",
            "error 4:48 duplicate key `retry_interval`",
        ];
    what_is_not_json_says_where_and_why:
        said_of("q.json", "{\n  \"ä\": 1,,\n}") => ["error 2:10 not JSON: key must be a string"];
    what_is_not_utf8_is_an_error_where_it_is:
        load::load(&[("q.toml".to_owned(), b"a = 1\n# \xC3\xA4\xFF\n".to_vec())]).findings.iter().map(ToString::to_string)
            .collect::<Vec<_>>() => [
            "q.toml:1:1 `a` is not an option of this file",
            "q.toml:2:4 not UTF-8; save the file in that encoding",
        ];
}

#[test]
fn values_are_of_the_type_of_their_option() {
    let numbers = ["retry_interval", "max_retry_interval", "max_age", "reap_interval", "refresh_interval"];
    let good = ["'2h 30m'", "'1.5h'", "90", "1.5", "'1000 years'", "9223372036854775807"];
    for option in numbers {
        for value in good {
            let errors = said_of_setting(&format!("{option} = {value}"));
            assert!(errors.iter().all(|said| !said.starts_with("error")), "{option} = {value}: {errors:?}");
        }
        for value in
            ["-1", "true", "'10'", "''", "'5 Minutes'", "inf", "nan", "-0.5", "1e300", "[]", "{}", "1979-05-27"]
        {
            let errors = said_of_setting(&format!("{option} = {value}"));
            assert_eq!((errors.len(), errors[0].contains(option)), (1, true), "{option} = {value}: {errors:?}");
        }
    }
    for (option, values) in [
        ("egress_pool", "''|' '|3|[]"),
        ("provider_name", "''|true"),
        ("max_message_rate", "100|'100'|'0/s'|'1/parsec'|'1/s,max_burst=0'"),
        ("refresh_strategy", "'ttl'|'Ttl '|1"),
        ("strategy", "'Wheel'|[]"),
        ("timerwheel_tick_interval", "'x'|-1"),
        ("shrink_policy", "'NoShrink'|{}|[[]]"),
        ("protocol", "'smtp'|{}|{smtp=1}|{smtp={mx_list='a'}}|{smtp={mx_list=[]}}|{smtp={mx_list=['']}}"),
    ] {
        for value in values.split('|') {
            let errors = said_of_setting(&format!("{option} = {value}"));
            assert_eq!((errors.len(), errors[0].contains(option)), (1, true), "{option} = {value}: {errors:?}");
        }
    }
}

#[test]
fn an_interval_between_attempts_is_at_least_a_second() {
    for value in ["0", "'999ms'", "0.5"] {
        let errors = said_of_setting(&format!("retry_interval = {value}"));
        assert!(errors.len() == 1 && errors[0].contains("too short"), "{value}: {errors:?}");
    }
}

#[test]
fn where_mail_is_routed_is_a_host_a_host_with_a_port_or_an_address() {
    for good in
        ["relay.example", "Relay.Example.", "bücher.example", "localhost:2525", "_x.example", "192.0.2.1", "[::1]:25"]
    {
        assert_eq!(said(&format!("[queue.default]\nrouting_domain = '{good}'\n")), Vec::<String>::new(), "{good}");
    }
    for bad in
        ["::1", "localhost:99999", "a..b", "a:b", "a b", "u@a.example", "a!b", "[relay.example]", ".", "10.0.0.300"]
    {
        let errors = said(&format!("[queue.default]\nrouting_domain = '{bad}'\n"));
        let told = errors.len() == 1 && errors[0].starts_with("error 2:1 routing_domain: ");
        assert!(told && errors[0].contains(bad.trim_matches(['[', ']'])), "{bad}: {errors:?}");
    }
}
