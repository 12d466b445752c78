//! `limits` of a plugin: one knob for each limit, named as the errors that speak of it.

use std::time::Duration;

use tollgate_capability::Grants;
use tollgate_config::{Findings, Section};
use tollgate_wasm::{CORE_INSTANCES, Limits};

/// Most memory while a plugin is configured, and so most memory at all: the engine's pool is laid out for it.
const MEMORY: u64 = 512 << 20;

/// Most events at a time of a plugin that may wait: there is room for so many of all plugins together.
const AT_ONCE: u64 = 256;

/// Largest body of a function in octets; larger ones are no Wasm to any implementation.
const FUNCTION_BODY: u64 = 7_654_321;

/// Reads `limits`; what is not there has the default of a plugin with these grants.
pub(super) fn limits(section: &mut Section<'_>, grants: Grants, findings: &mut Findings) -> Limits {
    let Some(mut section) = section.section("limits", findings) else { return Limits::of(grants) };
    let limits = each(&mut section, grants, findings);
    section.finish(findings);
    limits
}

/// Reads `limits` of a tenant, and its `cpu_share` in thousandths of a core where there is one.
pub(super) fn limits_of_tenant(
    section: &mut Section<'_>,
    grants: Grants,
    findings: &mut Findings,
) -> (Limits, Option<u32>) {
    let Some(mut section) = section.section("limits", findings) else { return (Limits::of(grants), None) };
    let limits = each(&mut section, grants, findings);
    let cpu_share = section.parsed("cpu_share", findings, share);
    section.finish(findings);
    (limits, cpu_share)
}

/// Parses a share of one core, `10%` or `0.5%`, as thousandths.
fn share(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    match number {
        // Below a thousandth a share is nothing; above a core there is nothing to share.
        Some(percent) if (0.1..=100.0).contains(&percent) => Ok((percent * 10.0).round() as u32),
        _ => Err(format!("'{text}' is not a share of one core from '0.1%' to '100%'")),
    }
}

fn each(section: &mut Section<'_>, grants: Grants, findings: &mut Findings) -> Limits {
    let mut limits = Limits::of(grants);
    for (key, value) in [
        ("cpu", &mut limits.cpu),
        ("wall", &mut limits.wall),
        ("init", &mut limits.init),
        ("compile", &mut limits.compile),
    ] {
        duration(section, key, value, findings);
    }
    for (key, value, most) in [
        ("memory", &mut limits.memory, MEMORY),
        ("init_memory", &mut limits.init_memory, MEMORY),
        ("host_call_bytes", &mut limits.host_call_bytes, MEMORY),
        ("header_bytes", &mut limits.header_bytes, 16 << 20),
        ("counter_bytes", &mut limits.counter_bytes, 1 << 30),
        ("kv_bytes", &mut limits.kv_bytes, 1 << 40),
        ("http_bytes", &mut limits.http_bytes, MEMORY),
        ("artifact", &mut limits.artifact, 256 << 20),
        ("function_body", &mut limits.function_body, FUNCTION_BODY),
    ] {
        octets(section, key, value, most, findings);
    }
    numbers(section, &mut limits, findings);
    // A plugin keeps what its configuration took.
    limits.init_memory = limits.init_memory.max(limits.memory);
    limits
}

fn numbers(section: &mut Section<'_>, limits: &mut Limits, findings: &mut Findings) {
    for (key, value, most) in [
        ("host_calls", &mut limits.host_calls, u32::MAX),
        ("core_instances", &mut limits.core_instances, CORE_INSTANCES),
        ("log_lines", &mut limits.log_lines, 1_000_000),
        ("dns_queries", &mut limits.dns_queries, 1_000_000),
    ] {
        if let Some(number) = number(section, key, most.into(), findings) {
            *value = u32::try_from(number).unwrap_or(most);
        }
    }
    for (key, value, most) in [
        ("handles", &mut limits.handles, 1_000_000),
        ("table_elements", &mut limits.table_elements, 20_000),
        ("counters", &mut limits.counters, 10_000_000),
        ("at_once", &mut limits.at_once, AT_ONCE),
    ] {
        if let Some(number) = number(section, key, most, findings) {
            *value = usize::try_from(number).unwrap_or(usize::MAX);
        }
    }
}

fn duration(section: &mut Section<'_>, key: &'static str, value: &mut Duration, findings: &mut Findings) {
    let at = section.entry(key).map(|entry| entry.at);
    match (section.duration(key, findings), at) {
        (Some(Duration::ZERO), Some(at)) => findings.error(at, format!("{key}: with no time at all nothing can run")),
        (Some(limit), _) => *value = limit,
        (None, _) => {}
    }
}

fn octets(section: &mut Section<'_>, key: &'static str, value: &mut usize, most: u64, findings: &mut Findings) {
    let at = section.entry(key).map(|entry| entry.at);
    match (section.size(key, findings), at) {
        (Some(size), Some(at)) if size > most => findings.error(at, format!("{key}: {most} octets is the most")),
        (Some(size), _) => *value = usize::try_from(size).unwrap_or(usize::MAX),
        (None, _) => {}
    }
}

fn number(section: &mut Section<'_>, key: &'static str, most: u64, findings: &mut Findings) -> Option<u64> {
    let at = section.entry(key).map(|entry| entry.at);
    match (section.number(key, findings), at) {
        (Some(number), Some(at)) if number > most => {
            findings.error(at, format!("{key}: {most} is the most"));
            None
        }
        (number, _) => number,
    }
}
