use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use tollgate_message::domain::normalize;

use super::site_name;

#[test]
fn a_site_is_named_after_what_its_hosts_have_in_common() {
    let table: &[(&[&str], &str)] = &[
        (&[], ""),
        (&["mx.example.com"], "mx.example.com"),
        (&["MX.Example.com.", "mx.example.com"], "mx.example.com"),
        (&["b.x.com", "a.x.com"], "(a|b).x.com"),
        (
            &[
                "gmail-smtp-in.l.google.com",
                "alt1.gmail-smtp-in.l.google.com",
                "alt2.gmail-smtp-in.l.google.com",
                "alt3.gmail-smtp-in.l.google.com",
                "alt4.gmail-smtp-in.l.google.com",
            ],
            "(alt1|alt2|alt3|alt4)?.gmail-smtp-in.l.google.com",
        ),
        (
            &["mta5.AM0.yahoodns.net", "mta6.am0.yAHOodns.net", "mta7.am0.yahoodns.net"],
            "(mta5|mta6|mta7).am0.yahoodns.net",
        ),
        (&["a.x.example", "b.x.example", "c.y.example"], "((a|b).x|c.y).example"),
        (&["x.example", "a.x.example"], "a?.x.example"),
        (&["x.example", "a.b.x.example"], "(a.b)?.x.example"),
        (&["x.example", "b.x.example", "a.b.x.example"], "(a?.b)?.x.example"),
        (&["mx.one.example", "mx.two.example"], "(mx.one|mx.two).example"),
        (&["mx.example.com", "mx.example.net"], "(mx.example.com|mx.example.net)"),
        (&["under_score.example", "xn--bcher-kva.example"], "(under_score|xn--bcher-kva).example"),
        (&["bücher.example"], "xn--bcher-kva.example"),
    ];
    for (hosts, expected) in table {
        assert_eq!(site_name(*hosts), *expected, "{hosts:?}");
    }
}

#[test]
fn text_that_looks_like_syntax_is_escaped() {
    for (host, expected) in [
        ("(a|b).example", "%28a%7Cb%29.example"),
        ("a?.example", "a%3F.example"),
        ("a%2Eb.example", "a%252eb.example"),
        ("mx.example:25", "mx.example%3A25"),
        ("a..example", "a..example"),
    ] {
        assert_eq!(site_name([host]), expected);
    }
}

#[test]
fn text_with_more_labels_than_a_name_can_have_is_no_danger() {
    let deep = "a.".repeat(100_000);

    let name = site_name([deep.as_str(), "a"]);

    assert!(name.ends_with(".a)?.a") && name.starts_with("(a%2Ea"), "{} octets", name.len());
}

/// Returns the set of hosts that a name stands for, read by the rules of the module's header.
fn expand(name: &str) -> BTreeSet<String> {
    let parts = split(name, '.');
    let (last, fronts) = parts.split_last().unwrap();
    fronts.iter().rev().fold(alternatives(last), |ends, part| {
        let (part, optional) = part.strip_suffix('?').map_or((*part, false), |part| (part, true));
        let longer = alternatives(part);
        let longer = longer.iter().flat_map(|front| ends.iter().map(move |end| format!("{front}.{end}")));
        if optional { longer.chain(ends.iter().cloned()).collect() } else { longer.collect() }
    })
}

fn alternatives(part: &str) -> BTreeSet<String> {
    match part.strip_prefix('(') {
        Some(inner) => split(inner.strip_suffix(')').unwrap(), '|').into_iter().flat_map(expand).collect(),
        None => BTreeSet::from([part.to_owned()]),
    }
}

/// Splits outside of parentheses.
fn split(text: &str, at: char) -> Vec<&str> {
    let mut depth = 0;
    text.split(|c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0 && c == at
    })
    .collect()
}

proptest! {
    #[test]
    fn a_name_stands_for_exactly_its_hosts(hosts in vec("[ab](\\.[abc]){0,4}", 1..8)) {
        let expected: BTreeSet<String> = hosts.iter().cloned().collect();

        prop_assert_eq!(expand(&site_name(&hosts)), expected);
    }

    #[test]
    fn order_case_and_repetition_leave_no_trace(hosts in vec("\\PC{0,20}", 0..6), turn in 0..6_usize) {
        let mut turned: Vec<String> = hosts.iter().map(|host| host.to_ascii_uppercase()).collect();
        turned.rotate_left(turn.min(hosts.len()));
        turned.extend(hosts.first().cloned());

        prop_assert_eq!(site_name(&turned), site_name(&hosts));
    }

    #[test]
    fn different_text_has_different_names(one in "[ab.%|?()\\\\:2E]{0,8}", other in "[ab.%|?()\\\\:2E]{0,8}") {
        let same_host = normalize(&one) == normalize(&other);

        prop_assert_eq!(site_name([&one]) == site_name([&other]), same_host);
    }
}
