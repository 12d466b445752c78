//! What a component says of itself, in a custom section: name, version, what it would like.
//!
//! The content of the section `tollgate:plugin` is one JSON object. `plugin build` and `plugin annotate` write it at the top of
//! the component; the Rust SDK's `register!` leaves one in the module, which counts where there is none at the top. It is the
//! author's word: it grants nothing, and whoever runs the component decides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wasm_encoder::{Component, CustomSection, RawSection};
use wasmparser::{Encoding, Parser, Payload};

/// The name of the section.
pub const SECTION: &str = "tollgate:plugin";

/// Most octets of the section that are read.
const MOST: usize = 64 << 10;

/// What a component says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The version of `tollgate:policy` that it was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// What it was written with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// A line about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its licence, as an SPDX expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// The limits that it would like, by the names that `[plugin.limits]` has.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
    /// What it would like to be granted, with reasons.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub grants: BTreeMap<String, String>,
}

impl Metadata {
    /// Returns these without texts that say nothing.
    fn said(mut self) -> Self {
        for text in [&mut self.version, &mut self.api, &mut self.sdk, &mut self.description, &mut self.license] {
            text.take_if(|text| text.is_empty());
        }
        self.limits.remove("");
        self.grants.remove("");
        self
    }

    /// Returns these, where something is said, over those.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            name: if self.name.is_empty() { below.name } else { self.name },
            version: self.version.or(below.version),
            api: self.api.or(below.api),
            sdk: self.sdk.or(below.sdk),
            description: self.description.or(below.description),
            license: self.license.or(below.license),
            limits: if self.limits.is_empty() { below.limits } else { self.limits },
            grants: if self.grants.is_empty() { below.grants } else { self.grants },
        }
    }
}

/// Returns what a component says of itself: at its top, else what its modules say together. Nothing where there is no such
/// section, or none that can be read.
#[must_use]
pub fn read(component: &[u8]) -> Option<Metadata> {
    let (mut depth, mut top, mut inner) = (0_usize, None, None::<Metadata>);
    for payload in Parser::new(0).parse_all(component) {
        match payload {
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(Payload::CustomSection(section)) if section.name() == SECTION => {
                let Some(found) = parse(section.data()) else { continue };
                match depth {
                    0 => top = Some(found),
                    _ => inner = Some(inner.take().map_or_else(|| found.clone(), |before| before.over(found.clone()))),
                }
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    top.or(inner)
}

/// Several objects may follow one another: a linker joins sections of one name.
fn parse(data: &[u8]) -> Option<Metadata> {
    let data = data.get(..data.len().min(MOST))?;
    let objects = serde_json::Deserializer::from_slice(data).into_iter::<Metadata>();
    objects.map_while(Result::ok).reduce(Metadata::over).map(Metadata::said)
}

/// Returns the component with this said of it, in place of what was said at its top before.
///
/// # Errors
/// Why the octets are no component.
pub fn write(component: &[u8], metadata: &Metadata) -> Result<Vec<u8>, String> {
    let mut written = Component::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.map_err(|reason| reason.to_string())?;
        match &payload {
            Payload::Version { encoding, .. } if depth == 0 && *encoding != Encoding::Component => {
                return Err("it is a module, not a component".to_owned());
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => continue,
            _ => {}
        }
        if let Some((id, range)) = payload.as_section().filter(|_| depth == 0) {
            let data = component.get(range).ok_or("a section ends behind the end of the file")?;
            written.section(&RawSection { id, data });
        }
        if matches!(payload, Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) {
            depth += 1;
        }
    }
    let content = serde_json::to_vec(metadata).expect("texts are JSON");
    written.section(&CustomSection { name: SECTION.into(), data: content.into() });
    Ok(written.finish())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn component() -> Vec<u8> {
        wat::parse_str(
            r#"(component
                (core module (func (export "f"))
                    (@custom "tollgate:plugin" "{\"name\":\"inner\",\"sdk\":\"\"}{\"limits\":{\"cpu\":\"5ms\",\"\":\"\"}}"))
                (core module (@custom "other" "x"))
                (component (core module)))"#,
        )
        .unwrap()
    }

    fn metadata(name: &str) -> Metadata {
        let grants = BTreeMap::from([("kv".to_owned(), "why \"not\"".to_owned())]);
        Metadata { name: name.to_owned(), version: Some("1.2.3".to_owned()), grants, ..Metadata::default() }
    }

    #[test]
    fn what_is_written_is_read_and_what_was_there_before_is_replaced() {
        let (first, second) = (metadata("first"), metadata("second"));

        let once = write(&component(), &first).unwrap();
        let twice = write(&once, &second).unwrap();

        let limits = BTreeMap::from([("cpu".to_owned(), "5ms".to_owned())]);
        let inner = Metadata { name: "inner".to_owned(), limits, ..Metadata::default() };
        let seen = (read(&component()), read(&once), read(&twice));
        assert_eq!(seen, (Some(inner), Some(first), Some(second.clone())));
        assert_eq!(twice, write(&component(), &second).unwrap());
        wasmparser::Validator::new().validate_all(&twice).unwrap();
    }

    #[test]
    fn a_module_is_refused() {
        let told = write(&wat::parse_str("(module)").unwrap(), &metadata("x"));

        assert_eq!(told, Err("it is a module, not a component".to_owned()));
    }

    proptest! {
        #[test]
        fn whatever_octets_come_nothing_panics(cut in 0_usize..400, at in 0_usize..400, octet: u8) {
            let mut octets = write(&component(), &metadata("x")).unwrap();
            let at = at % octets.len();
            octets[at] = octet;
            octets.truncate(octets.len().saturating_sub(cut % octets.len()));

            drop(read(&octets));
            drop(write(&octets, &metadata("y")));
        }
    }
}
