//! A host that is attacked.

use std::{
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

use tollgate_message::Draft;
use tollgate_policy::{Failure, Plugin};
use tollgate_testkit::received;
use tollgate_wasm::{Compiler, Component, Instances, Limits, LoadError, Runtime, Setup, WasmPlugin};

pub(crate) const MESSAGE: &str = "message-received-plugin";
pub(crate) const THROTTLES: &str = "throttles-plugin";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_tollgate"));
    let compiler = Compiler::Child { program, arguments: vec!["compile-child".to_owned()] };
    Runtime::new(None, compiler).expect("an engine")
});

/// Limits as operators have them, but for time: the machine that runs the tests may be busy, and nothing here needs long to be
/// set up.
pub(crate) fn limits() -> Limits {
    Limits { wall: Duration::from_secs(60), init: Duration::from_millis(500), ..Limits::default() }
}

/// Loads a component in the limits that a plugin has.
pub(crate) fn load(octets: &[u8]) -> Result<Arc<Component>, LoadError> {
    load_within(octets, &limits())
}

pub(crate) fn load_within(octets: &[u8], limits: &Limits) -> Result<Arc<Component>, LoadError> {
    RUNTIME.load_within(octets, limits)
}

/// Returns why a component is not taken, in the words that the operator reads.
pub(crate) fn refusal(octets: &[u8]) -> String {
    refusal_within(octets, &limits())
}

pub(crate) fn refusal_within(octets: &[u8], limits: &Limits) -> String {
    load_within(octets, limits).err().map_or_else(|| "taken".to_owned(), |error| error.to_string())
}

/// Makes a plugin of an attack.
pub(crate) fn plugin(name: &str, world: &str, instances: Instances) -> Result<WasmPlugin, String> {
    plugin_within(name, world, instances, limits())
}

pub(crate) fn plugin_within(
    name: &str,
    world: &str,
    instances: Instances,
    limits: Limits,
) -> Result<WasmPlugin, String> {
    let component = load(&tollgate_hostile::attack(name, world)).map_err(|error| error.to_string())?;
    let setup = Setup { name: name.to_owned(), limits, instances, ..Setup::default() };
    WasmPlugin::start(component, setup).map(|(plugin, _)| plugin).map_err(|error| format!("{error}"))
}

/// Returns how an attack fares that judges a message, twice: `kind: detail` of its failures, or its verdicts.
pub(crate) fn judged(name: &str) -> [String; 2] {
    match plugin(name, MESSAGE, Instances::Fresh) {
        Ok(plugin) => [judge(&plugin), judge(&plugin)],
        Err(reason) => [reason.clone(), reason],
    }
}

pub(crate) fn judge(plugin: &WasmPlugin) -> String {
    let draft = draft();
    match plugin.message_received(&draft.received, draft.edits.clone()) {
        Ok((edits, answer)) => {
            assert_eq!(edits, draft.edits, "no attack here edits its message");
            answer.map_or_else(|refusal| refusal.reply().to_string(), |verdict| format!("{verdict:?}").to_lowercase())
        }
        Err(failure) => told(&failure),
    }
}

pub(crate) fn told(failure: &Failure) -> String {
    format!("{}: {}", failure.kind.word(), failure.detail)
}

fn draft() -> Draft {
    Draft::new(received("Subject: s\r\n\r\nbody\r\n"))
}
