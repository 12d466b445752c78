//! Attacks on whoever reads or compiles a component.

/// Returns a component with one function of this many `if`s: what compilers need for it grows with the square.
#[must_use]
pub fn of_branches(ifs: usize) -> Vec<u8> {
    let branch = "(if (local.get 0) (then (local.set 0 (i32.add (local.get 0) (local.get 1)))))";
    crate::component(&judge(&format!("(local i32) {} (i32.const 1024)", branch.repeat(ifs))), "message-received-plugin")
}

/// Returns a component of a few hundred octets that asks for ten to the power of `levels` core instances.
#[must_use]
pub fn of_instances(levels: usize) -> Vec<u8> {
    let mut text = "(component $l0 (core module $m) (core instance (instantiate $m)))".to_owned();
    for level in 1..=levels {
        let instances = format!("(instance (instantiate $l{}))", level - 1).repeat(10);
        text = format!("(component $l{level} {text} {instances})");
    }
    parse(&text)
}

/// Returns a component with this many core instances side by side.
#[must_use]
pub fn of_flat_instances(count: usize) -> Vec<u8> {
    parse(&format!("(component (core module $m) {})", "(core instance (instantiate $m))".repeat(count)))
}

/// Returns components within components.
#[must_use]
pub fn of_depth(depth: usize) -> Vec<u8> {
    parse(&format!("{}{}", "(component ".repeat(depth), ")".repeat(depth)))
}

/// Returns a component whose last type has two to the power of `doublings` parts.
#[must_use]
pub fn of_types(doublings: usize) -> Vec<u8> {
    let double = |n: usize| format!("(type $t{n} (tuple $t{0} $t{0}))", n - 1);
    let types: String = (1..=doublings).map(double).collect();
    parse(&format!("(component (type $t0 (tuple u8 u8)) {types})"))
}

/// Returns a component whose data is this many octets long.
#[must_use]
pub fn of_data(octets: usize) -> Vec<u8> {
    let pages = octets.div_ceil(64 << 10) + 1;
    parse(&format!("(component (core module (memory {pages}) (data (i32.const 0) \"{}\")))", "x".repeat(octets)))
}

/// Returns a component with this many functions that do nothing.
#[must_use]
pub fn of_functions(count: usize) -> Vec<u8> {
    parse(&format!("(component (core module {}))", "(func)".repeat(count)))
}

/// Returns a component whose functions have names that are long, or would pass for lines of a log.
#[must_use]
pub fn of_names() -> Vec<u8> {
    let name = format!("{}\\n2026-01-01 ERROR forged\\1b[31m", "long".repeat(50_000));
    let module = "(module
        (memory (export \"memory\") 1)
        (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
        (func $trap (@name \"NAME\") (unreachable))
        (func (export \"tollgate:policy/message-received@0.1.0#message-received\") (param i32) (result i32)
            (call $trap) (i32.const 1024)))";
    crate::component(&module.replace("NAME", &name), "message-received-plugin")
}

/// Returns a module that judges messages with this body; at 1024 lies an acceptance.
fn judge(body: &str) -> String {
    format!(
        "(module
            (memory (export \"memory\") 1)
            (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
            (func (export \"tollgate:policy/message-received@0.1.0#message-received\") (param i32) (result i32) {body}))"
    )
}

fn parse(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("a component in text")
}
