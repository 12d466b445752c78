use proptest::{collection, option, prop_assert, proptest};
use tollgate_sdk::{Configured, Diagnostic};

use super::*;

const EXAMPLE: &str = include_str!("../tenants.toml");

fn configure(text: &str) -> Outcome<TenantHeader> {
    TenantHeader::configure(vec![File { name: "tenants.toml".to_owned(), content: text.as_bytes().to_vec() }])
}

fn plugin(text: &str) -> TenantHeader {
    let Configured { plugin, diagnostics, .. } = configure(text).expect("a configuration that is right");
    assert_eq!(diagnostics, []);
    plugin
}

/// What is wrong with a file that is.
fn refused(text: &str) -> Vec<String> {
    let refused = configure(text).err().expect("a refusal");
    refused.diagnostics.iter().map(Diagnostic::to_string).collect()
}

/// Tells a decision: the tenant, nothing where the message stays as it is, or the reply.
fn told(plugin: &TenantHeader, said: &[&str], earlier: Option<&str>, authz_id: Option<&str>) -> String {
    let said: Vec<String> = said.iter().map(|value| (*value).to_owned()).collect();
    match plugin.decide(&said, earlier, authz_id) {
        Ok(tenant) => tenant.unwrap_or_default().to_owned(),
        Err(Reply { code, enhanced, text }) => format!("{code} {} {text}", enhanced.unwrap_or_default()),
    }
}

const NO_NAME: &str = "550 5.7.1 X-Tenant: a tenant's name is up to 64 letters, digits, '-', '_' and '.'";

#[test]
fn a_header_names_its_tenant_and_a_blank_one_none() {
    let plugin = plugin(EXAMPLE);

    let decided =
        [&["TenantTwo"][..], &[" TenantTwo\t"], &["", "TenantTwo"], &["TenantTwo", "TenantTwo"], &["  "], &[]];
    let decided = decided.map(|said| told(&plugin, said, None, None));

    assert_eq!(decided, ["TenantTwo", "TenantTwo", "TenantTwo", "TenantTwo", "TenantOne", "TenantOne"]);
}

#[test]
fn without_a_default_mail_without_a_header_has_no_tenant() {
    let plugin = plugin("[tenant.a]\n");

    assert_eq!([&["a"][..], &[" "], &[]].map(|said| told(&plugin, said, None, None)), ["a", "", ""]);
}

#[test]
fn an_incorrect_header_is_refused_and_not_repeated_where_it_could_do_harm() {
    let plugin = plugin(EXAMPLE);
    let long = "x".repeat(65);

    let decided = [&["tenanttwo"][..], &["a@b"], &["a\r\nb"], &["grün"], &[&long], &["TenantOne", "TenantTwo"]]
        .map(|said| told(&plugin, said, None, None));

    let unknown = "550 5.7.1 X-Tenant: there is no tenant 'tenanttwo' here";
    let several = "550 5.7.1 X-Tenant: several fields name different tenants";
    assert_eq!(decided, [unknown, NO_NAME, NO_NAME, NO_NAME, NO_NAME, several]);
}

#[test]
fn an_incorrect_header_is_as_good_as_none_where_the_option_says_so() {
    let plugin = plugin(&EXAMPLE.replace("unknown = \"reject\"", "unknown = \"default\""));

    let decided = [&["nobody"][..], &["a@b"], &["TenantOne", "TenantTwo"], &["TenantTwo"]]
        .map(|said| told(&plugin, said, None, None));

    assert_eq!(decided, ["TenantOne", "TenantOne", "TenantOne", "TenantTwo"]);
}

#[test]
fn nobody_claims_the_tenant_of_another() {
    let plugin = plugin(EXAMPLE);

    let decided = [None, Some("eve"), Some("scott")].map(|id| told(&plugin, &["TenantThree"], None, id));

    let refused = "550 5.7.1 you are not authorized to send as tenant 'TenantThree'";
    assert_eq!(decided, [refused, refused, "TenantThree"]);
}

#[test]
fn the_default_tenant_needs_authorization_like_any_other() {
    let plugin = plugin("default_tenant = 'a'\n[tenant.a]\nrequire_authz = ['ann']\n[tenant.b]\nrequire_authz = []\n");

    let decided =
        [(&[][..], "ann"), (&[], "bob"), (&["b"], "ann")].map(|(said, id)| told(&plugin, said, None, Some(id)));

    let refused = |name| format!("550 5.7.1 you are not authorized to send as tenant '{name}'");
    assert_eq!(decided, ["a".to_owned(), refused("a"), refused("b")]);
}

#[test]
fn a_tenant_that_was_set_before_stays_and_a_header_that_differs_is_refused() {
    let plugin = plugin(EXAMPLE);

    let decided = [&[][..], &["TenantTwo"], &["TenantOne"]].map(|said| told(&plugin, said, Some("TenantTwo"), None));

    assert_eq!(decided, ["", "", "550 5.7.1 X-Tenant: this mail is not of tenant 'TenantOne'"]);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let wrong = "header = 'X Tenant:'\nremove = 'no'\nunknown = 'accept'\ndefault_tenant = 'TenantOen'\n[tenants.a]\n\
                 [tenant.TenantOne]\nrequire_auth = []\n[tenant.'a b']\nrequire_authz = 'ann'\n";

    let told = refused(wrong);

    let expected = [
        "tenants.toml:1:1 header: 'X Tenant:' is not the name of a header field",
        "tenants.toml:2:1 remove: expected true or false, got text",
        "tenants.toml:3:1 unknown: 'accept' is neither \"reject\" nor \"default\"",
        "tenants.toml:4:1 `TenantOen` is not a tenant of this file; did you mean `TenantOne`?",
        "tenants.toml:5:2 `tenants` is not known in this file; did you mean `tenant`?",
        "tenants.toml:7:1 `require_auth` is not an option of [tenant.TenantOne]; did you mean `require_authz`?",
        "tenants.toml:8:9 a tenant's name is up to 64 letters, digits, '-', '_' and '.'",
        "tenants.toml:9:1 require_authz: expected a list of texts, got text",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_default_that_is_fallen_back_to_must_be_there() {
    let told = refused("unknown = 'default'\n[tenant.a]\n");

    assert_eq!(told, ["tenants.toml:1:1 unknown: \"default\" needs a `default_tenant`"]);
}

#[test]
fn the_readme_shows_this_very_file() {
    let shown = format!("```toml\n# tenants.toml\n{EXAMPLE}```\n");

    assert!(include_str!("../README.md").contains(&shown));
}

proptest! {
    #[test]
    fn whatever_a_header_says_the_tenant_is_one_of_the_files_or_the_reply_is_plain(
        said in collection::vec("\\PC{0,80}|[\\r\\n\\x00 ]*Tenant(One|Two|Three)[ \\t]*", 0..4),
        earlier in option::of("Tenant(One|Two|Three)|[a-z]{1,9}"),
        authz_id in option::of("scott|[a-z]{1,9}"),
    ) {
        let plugin = plugin(EXAMPLE);

        let decided = plugin.decide(&said, earlier.as_deref(), authz_id.as_deref());

        match decided {
            Ok(None) => prop_assert!(earlier.is_some()),
            Ok(Some(tenant)) => {
                let allowed = tenant != "TenantThree" || authz_id.as_deref() == Some("scott");
                prop_assert!(earlier.is_none() && allowed && plugin.tenants.contains_key(tenant));
            }
            Err(Reply { code, text, .. }) => {
                prop_assert!(code == 550 && text.len() < 160 && text.bytes().all(|c| (b' '..=b'~').contains(&c)), "{text}");
            }
        }
    }
}
