//! Tables of addresses, and what a hostile one can never bring with it.

use proptest::prelude::*;

use super::{AddressError, ForwardPath, Mailbox, ReversePath, Utf8};

/// Local part and domain, or what is wrong.
type Parts<'a> = Result<(&'a str, &'a str), AddressError>;

#[test]
fn mailboxes_are_read_as_sent_or_refused_with_the_part_at_fault() {
    use AddressError::{ControlCharacter, Domain, DomainTooLong, LocalPart, LocalPartTooLong, NoDomain};
    let local_64 = format!("{}@d.example", "a".repeat(64));
    let local_65 = format!("{}@d.example", "a".repeat(65));
    let label_63 = format!("u@{}.example", "a".repeat(63));
    let label_64 = format!("u@{}.example", "a".repeat(64));
    let domain_256 = format!("u@{}aaaaaa", "a.".repeat(125));
    let table: &[(&str, &str, Parts<'_>)] = &[
        ("plain", "user@example.com", Ok(("user", "example.com"))),
        ("case kept", "User@EXAMPLE.com", Ok(("User", "EXAMPLE.com"))),
        ("every atom sign", "!#$%&'*+-/=?^_`{|}~@d", Ok(("!#$%&'*+-/=?^_`{|}~", "d"))),
        ("percent is a letter", "u%there@here", Ok(("u%there", "here"))),
        ("bang is a letter", "there!u@here", Ok(("there!u", "here"))),
        ("dots inside", "a.b.c@d", Ok(("a.b.c", "d"))),
        ("quoted blank", "\"a b\"@d", Ok(("\"a b\"", "d"))),
        ("quoted at", "\"a@b\"@d", Ok(("\"a@b\"", "d"))),
        ("quoted pair", r#""a\"b\\"@d"#, Ok((r#""a\"b\\""#, "d"))),
        ("empty quotes", "\"\"@d", Ok(("\"\"", "d"))),
        ("IPv4 literal", "u@[192.0.2.1]", Ok(("u", "[192.0.2.1]"))),
        ("IPv6 literal", "u@[IPv6:2001:db8::1]", Ok(("u", "[IPv6:2001:db8::1]"))),
        ("IPv6 tag in small letters", "u@[ipv6:::1]", Ok(("u", "[ipv6:::1]"))),
        ("UTF-8", "jürgen@bücher.example", Ok(("jürgen", "bücher.example"))),
        ("digits in domain", "u@3com.example", Ok(("u", "3com.example"))),
        ("64 octets", &local_64, Ok((&local_64[..64], "d.example"))),
        ("label of 63", &label_63, Ok(("u", &label_63[2..]))),
        ("65 octets", &local_65, Err(LocalPartTooLong)),
        ("label of 64", &label_64, Err(Domain)),
        ("domain of 256", &domain_256, Err(DomainTooLong)),
        ("empty", "", Err(NoDomain)),
        ("no at", "user", Err(NoDomain)),
        ("quoted, no at", "\"user\"", Err(NoDomain)),
        ("no local part", "@d", Err(LocalPart)),
        ("no domain", "u@", Err(Domain)),
        ("two ats", "u@a@b", Err(Domain)),
        ("dot first", ".u@d", Err(LocalPart)),
        ("dot last", "u.@d", Err(LocalPart)),
        ("two dots", "u..v@d", Err(LocalPart)),
        ("blank", "u v@d", Err(LocalPart)),
        ("blank in domain", "u@d e", Err(Domain)),
        ("text behind quotes", "\"u\"v@d", Err(LocalPart)),
        ("quotes never closed", "\"u@d", Err(LocalPart)),
        ("quote escaped, never closed", r#""u\"@d"#, Err(LocalPart)),
        ("quote in dot-string", "u\"v@d", Err(LocalPart)),
        ("bracket", "u>@d", Err(LocalPart)),
        ("trailing dot", "u@d.", Err(Domain)),
        ("hyphen first", "u@-d", Err(Domain)),
        ("hyphen last", "u@d-", Err(Domain)),
        ("underscore", "u@a_b", Err(Domain)),
        ("IPv4 without brackets", "u@192.0.2.1", Err(Domain)),
        ("short literal", "u@[192.0.2]", Err(Domain)),
        ("literal never closed", "u@[192.0.2.1", Err(Domain)),
        ("IPv6 without tag", "u@[::1]", Err(Domain)),
        ("other tag", "u@[x:y]", Err(Domain)),
        ("CR", "u\r@d", Err(ControlCharacter)),
        ("LF in quotes", "\"u\n\"@d", Err(ControlCharacter)),
        ("NUL", "u@d\0", Err(ControlCharacter)),
        ("DEL", "u@d\u{7f}", Err(ControlCharacter)),
        ("C1", "u\u{85}@d", Err(ControlCharacter)),
    ];

    for (name, text, expected) in table {
        let seen = Mailbox::parse(text);
        let parts = seen.as_ref().map(|m| (m.local_part(), m.domain())).map_err(|e| *e);
        assert_eq!(parts, *expected, "{name}");
    }
}

#[test]
fn utf8_is_refused_where_the_caller_says_so() {
    let seen = Mailbox::parse_with("jürgen@d", Utf8::Refused);

    assert_eq!(seen, Err(AddressError::NotAscii));
}

#[test]
fn paths_lose_their_source_route_and_know_their_special_cases() {
    let reverse = |text| ReversePath::parse(text, Utf8::Allowed).map(|p| p.to_string());
    let forward = |text| ForwardPath::parse(text, Utf8::Allowed).map(|p| p.to_string());
    let table = [
        ("null sender", reverse("<>"), Ok("<>")),
        ("sender", reverse("<u@d>"), Ok("<u@d>")),
        ("quoted bracket", reverse("<\"a>b\"@d>"), Ok("<\"a>b\"@d>")),
        ("postmaster is no sender", reverse("<postmaster>"), Err(AddressError::NoDomain)),
        ("recipient", forward("<u@d>"), Ok("<u@d>")),
        ("postmaster", forward("<PostMaster>"), Ok("<Postmaster>")),
        ("null recipient", forward("<>"), Err(AddressError::NoDomain)),
        ("one hop", forward("<@a:u@d>"), Ok("<u@d>")),
        ("two hops", forward("<@a,@b.example:u@d>"), Ok("<u@d>")),
        ("hop without at", forward("<@a,b:u@d>"), Err(AddressError::Path)),
        ("hop that is no domain", forward("<@a b:u@d>"), Err(AddressError::Domain)),
        ("route without mailbox", forward("<@a>"), Err(AddressError::Path)),
        ("no brackets", forward("u@d"), Err(AddressError::Path)),
        ("never closed", forward("<u@d"), Err(AddressError::Path)),
        ("text behind", forward("<u@d> x"), Err(AddressError::Path)),
        ("two brackets", forward("<<u@d>>"), Err(AddressError::Path)),
    ];

    for (name, seen, expected) in table {
        assert_eq!(seen, expected.map(str::to_owned), "{name}");
    }
}

proptest! {
    #[test]
    fn an_accepted_mailbox_is_spelled_as_sent_and_holds_nothing_that_ends_a_line_or_path(text in r#"[ -~\r\n\x00äß"\\@.<>]{0,40}"#) {
        if let Ok(mailbox) = Mailbox::parse(&text) {
            prop_assert_eq!(mailbox.to_string(), &text[..]);
            prop_assert!(!text.contains(['\r', '\n', '\0']));
            let path = format!("<{text}>");
            prop_assert_eq!(super::split_path(&path), Some((&path[..], "")));
        }
    }
}
