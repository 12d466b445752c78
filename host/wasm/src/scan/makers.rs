//! Who made a component: the `producers` sections that tools leave in it.

use wasmparser::{CustomSectionReader, KnownCustom};

/// Most makers that are kept, and longest name of one in octets: what a stranger writes there is for people to read.
const MAKERS: usize = 32;
const NAME: usize = 100;

/// Adds the makers that a section names and that are not known yet.
pub(super) fn note(section: &CustomSectionReader<'_>, makers: &mut Vec<String>) {
    let KnownCustom::Producers(fields) = section.as_known() else { return };
    for field in fields.into_iter().map_while(Result::ok) {
        for value in field.values.into_iter().map_while(Result::ok) {
            let maker = clean(&format!("{} {}", value.name, value.version));
            if makers.len() < MAKERS && !maker.is_empty() && !makers.contains(&maker) {
                makers.push(maker);
            }
        }
    }
}

fn clean(maker: &str) -> String {
    maker.trim().chars().filter(|c| !c.is_control()).take(NAME).collect()
}
