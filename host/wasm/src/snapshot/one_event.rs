//! A component whose instances live for one event, with nothing done that only a second event would need.
//!
//! After a call a guest is asked to give back what the answer took (`post-return` in the canonical ABI). Where the instance goes
//! with the event that is done for nothing, and to look those functions up costs a fresh instance more than to call them.

use std::convert::Infallible;

use wasm_encoder::{
    CanonicalFunctionSection, Component, ComponentSectionId, RawSection,
    reencode::{Error, Reencode, ReencodeComponent, component_utils},
};
use wasmparser::{CanonicalFunction, CanonicalOption, Parser};

/// Returns the component without what its functions have to do after they have answered.
///
/// # Errors
/// It is no component, or has what cannot be written again.
pub(super) fn of(octets: &[u8]) -> Result<Vec<u8>, String> {
    let mut component = Component::new();
    WithoutPostReturn.parse_component(&mut component, Parser::new(0), octets).map_err(|error| error.to_string())?;
    Ok(component.finish())
}

/// Writes a component as it is, but for the options of its functions.
struct WithoutPostReturn;

impl Reencode for WithoutPostReturn {
    type Error = Infallible;
}

impl ReencodeComponent for WithoutPostReturn {
    /// A module stays as it is, to the octet.
    fn parse_component_submodule(
        &mut self,
        component: &mut Component,
        _: Parser,
        module: &[u8],
    ) -> Result<(), Error<Self::Error>> {
        component.section(&RawSection { id: ComponentSectionId::CoreModule.into(), data: module });
        Ok(())
    }

    fn parse_component_canonical(
        &mut self,
        section: &mut CanonicalFunctionSection,
        mut function: CanonicalFunction,
    ) -> Result<(), Error<Self::Error>> {
        if let CanonicalFunction::Lift { options, .. } = &mut function {
            *options =
                options.iter().filter(|option| !matches!(option, CanonicalOption::PostReturn(_))).copied().collect();
        }
        component_utils::parse_component_canonical(self, section, function)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component with a function that has these options besides what it must have.
    fn component(options: &str) -> Vec<u8> {
        let text = format!(
            r#"(component
                (core module $m
                    (memory (export "memory") 1)
                    (func (export "answer") (result i32) i32.const 8)
                    (func (export "give-back") (param i32))
                    (data (i32.const 8) "\10\00\00\00\02\00\00\00ok"))
                (core instance $i (instantiate $m))
                (alias core export $i "memory" (core memory $memory))
                (alias core export $i "answer" (core func $answer))
                (alias core export $i "give-back" (core func $give-back))
                (func (export "answer") (result string)
                    (canon lift (core func $answer) (memory $memory) string-encoding=utf8 {options})))"#
        );
        wat::parse_str(text).expect("a component")
    }

    #[test]
    fn a_function_does_nothing_after_its_answer_and_is_else_as_it_was() {
        assert_eq!(of(&component("(post-return (func $give-back))")), Ok(component("")));
    }
}
