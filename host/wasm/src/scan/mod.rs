//! What can be said of a component before any of it is compiled or run.
//!
//! One pass over the octets, in memory that grows with what is named and not with what it would expand to. It finds what a
//! component is (its imports, exports, makers) and what it would cost, above all how many core instances it comes to when
//! instances that make instances are multiplied out: 600 octets can ask for a million. Wasm is not validated here; whatever
//! passes is still a stranger's, and is compiled in a process of its own.

mod cost;
mod fit;
mod makers;

use tollgate_capability::Capability;
use wasmparser::{ComponentExternalKind, Encoding, Parser, Payload};

use cost::Costs;
pub(crate) use fit::PACKAGE;
#[cfg(test)]
pub(crate) use fit::is_offered;
pub use fit::{Misfit, Offer};

use crate::limits::Limits;

/// What a component is made of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Census {
    /// Its size in octets.
    pub size: usize,
    /// What it imports, by full name.
    pub imports: Vec<String>,
    /// What it exports, by full name.
    pub exports: Vec<String>,
    /// Tools that made it, each with its version, as they say themselves.
    pub makers: Vec<String>,
    /// Core modules, at any depth.
    pub modules: u32,
    /// Functions of all modules together.
    pub functions: u32,
    /// Octets of the largest function body.
    pub largest_function: u32,
    /// Core instances that one instance of the component comes to.
    pub core_instances: u64,
}

/// What a component is, as far as can be told without compiling it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// Its digest, hexadecimal.
    pub digest: String,
    /// What it is made of.
    pub census: Census,
    /// The events that it handles, by their names in `wit/`, in the host's order; `configure` is among them.
    pub events: Vec<String>,
    /// What it imports, by full name, and how this host has it.
    pub imports: Vec<(String, Offer)>,
    /// Why a host like this one would not run it if all that there is were granted.
    pub misfit: Option<Misfit>,
}

/// Looks a component over, as a host does before anything else. Nothing of it is compiled or run.
///
/// # Errors
/// [`ScanError`].
pub fn inspect(octets: &[u8], limits: &Limits) -> Result<Inspection, ScanError> {
    let census = scan(octets, limits)?;
    let mut events: Vec<String> =
        census.exports.iter().filter_map(|export| fit::event(export)).map(str::to_owned).collect();
    // Tool chains write exports in any order.
    events.sort_by_key(|event| fit::EVENTS.iter().position(|known| known == event));
    let imports = census.imports.iter().map(|import| (import.clone(), fit::offer(import))).collect();
    let misfit = Misfit::of(&census, Capability::ALL.into_iter().collect());
    Ok(Inspection { digest: blake3::hash(octets).to_hex().to_string(), census, events, imports, misfit })
}

/// Why a component is not even compiled. All of them are the component's fault.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// Larger than a component may be.
    #[error("the component is {size} octets long, and {limit} is the limit (limits.artifact)")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The largest size.
        limit: usize,
    },
    /// Not Wasm at all.
    #[error("not a WebAssembly file")]
    NotWasm,
    /// A core module, which was not wrapped as a component.
    #[error("a core WebAssembly module, not a component; wrap it (`wasm-tools component new`, or `tollgate-build`)")]
    CoreModule,
    /// Its sections cannot be told apart.
    #[error("not a valid component: {0}")]
    Malformed(String),
    /// Components within components, deeper than any tool makes them.
    #[error("components are nested more than {0} deep")]
    Depth(u32),
    /// A function that would take long to compile.
    #[error("a function of {size} octets, and {limit} is the limit (limits.function_body)")]
    FunctionBody {
        /// Its size.
        size: u32,
        /// The largest size.
        limit: usize,
    },
    /// More functions than any policy has.
    #[error("more than {0} functions")]
    Functions(u32),
    /// Instances that make instances.
    #[error("it comes to {found} core instances, and {limit} is the limit (limits.core_instances)")]
    CoreInstances {
        /// How many there would be; the largest number there is stands for more.
        found: u64,
        /// The most there may be.
        limit: u32,
    },
    /// Components or modules that are handed over where the component is instantiated: their cost cannot be told.
    #[error("it imports, or takes out of an instance, {0}; such components are not taken")]
    HigherOrder(&'static str),
}

/// Deepest nesting of components.
const DEPTH: u32 = 16;
/// Most functions of all modules together. JavaScript and Python in a component come to some tens of thousands.
const FUNCTIONS: u32 = 200_000;

/// Looks a component over.
///
/// # Errors
/// [`ScanError`].
pub(crate) fn scan(octets: &[u8], limits: &Limits) -> Result<Census, ScanError> {
    if octets.len() > limits.artifact {
        return Err(ScanError::TooLarge { size: octets.len(), limit: limits.artifact });
    }
    if !Parser::is_component(octets) {
        return Err(if Parser::is_core_wasm(octets) { ScanError::CoreModule } else { ScanError::NotWasm });
    }
    let mut scanner = Scanner {
        limits,
        census: Census { size: octets.len(), ..Census::default() },
        inside: Vec::new(),
        costs: Costs::default(),
    };
    for payload in Parser::new(0).parse_all(octets) {
        scanner.payload(payload.map_err(|error| malformed(&error))?)?;
    }
    let found = scanner.costs.of_whole();
    scanner.census.core_instances = found;
    match found > u64::from(limits.core_instances) {
        true => Err(ScanError::CoreInstances { found, limit: limits.core_instances }),
        false => Ok(scanner.census),
    }
}

fn malformed(error: &wasmparser::BinaryReaderError) -> ScanError {
    ScanError::Malformed(error.to_string())
}

struct Scanner<'a> {
    limits: &'a Limits,
    census: Census,
    /// What the octets at hand are part of, the outermost first.
    inside: Vec<Encoding>,
    costs: Costs,
}

impl Scanner<'_> {
    fn payload(&mut self, payload: Payload<'_>) -> Result<(), ScanError> {
        match payload {
            Payload::Version { encoding, .. } => self.enter(encoding)?,
            Payload::End(_) => self.leave(),
            Payload::CodeSectionStart { count, .. } => self.functions(count)?,
            Payload::CodeSectionEntry(body) => self.body(body.as_bytes().len())?,
            Payload::CustomSection(section) => makers::note(&section, &mut self.census.makers),
            Payload::InstanceSection(section) => {
                for instance in section {
                    self.costs.core_instance(&instance.map_err(|error| malformed(&error))?);
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    self.costs.instance(&instance.map_err(|error| malformed(&error))?);
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.costs.alias(&alias.map_err(|error| malformed(&error))?)?;
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.map_err(|error| malformed(&error))?;
                    first_order(import.ty.kind())?;
                    self.note(import.name.name, |census| &mut census.imports);
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.map_err(|error| malformed(&error))?;
                    self.costs.export(export.kind, export.index);
                    self.note(export.name.name, |census| &mut census.exports);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn enter(&mut self, encoding: Encoding) -> Result<(), ScanError> {
        self.inside.push(encoding);
        match encoding {
            Encoding::Module => {
                self.census.modules = self.census.modules.saturating_add(1);
            }
            Encoding::Component if self.costs.depth() >= DEPTH as usize => return Err(ScanError::Depth(DEPTH)),
            Encoding::Component => self.costs.enter(),
        }
        Ok(())
    }

    fn leave(&mut self) {
        if self.inside.pop() == Some(Encoding::Component) {
            self.costs.leave();
        }
    }

    fn functions(&mut self, count: u32) -> Result<(), ScanError> {
        self.census.functions = self.census.functions.saturating_add(count);
        if self.census.functions > FUNCTIONS { Err(ScanError::Functions(FUNCTIONS)) } else { Ok(()) }
    }

    fn body(&mut self, size: usize) -> Result<(), ScanError> {
        let (octets, limit) = (u32::try_from(size).unwrap_or(u32::MAX), self.limits.function_body);
        self.census.largest_function = self.census.largest_function.max(octets);
        if size > limit { Err(ScanError::FunctionBody { size: octets, limit }) } else { Ok(()) }
    }

    /// Notes a name of the whole component's; what is inside it is its own affair.
    fn note(&mut self, name: &str, list: impl FnOnce(&mut Census) -> &mut Vec<String>) {
        if self.inside.len() == 1 {
            list(&mut self.census).push(name.to_owned());
        }
    }
}

fn first_order(kind: ComponentExternalKind) -> Result<(), ScanError> {
    match kind {
        ComponentExternalKind::Component => Err(ScanError::HigherOrder("a component")),
        ComponentExternalKind::Module => Err(ScanError::HigherOrder("a core module")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
