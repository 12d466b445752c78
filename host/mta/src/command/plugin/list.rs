//! `tollgate plugin list`.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use serde_json::Value;

use super::{
    super::{
        page::{Cell, Page, toned},
        server::Server,
        terminal::{Colour, Ink, Tone},
    },
    change::unasked,
};
use crate::outcomes::ANSWERS;

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    server: Server,
    /// Prints the list as JSON.
    #[arg(long)]
    json: bool,
    /// Whether to colour what is printed.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    color: Colour,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let said = match args.server.get("/api/v1/plugins") {
        Ok(said) if said.status == 200 => said,
        Ok(said) => return unasked(&said.reason()),
        Err(reason) => return unasked(&reason),
    };
    let mut out = io::stdout();
    let plugins = said.content.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = if args.json { format!("{:#}\n", said.content) } else { table(plugins, args.color.ink(&out)) };
    drop(out.write_all(text.as_bytes()));
    ExitCode::SUCCESS
}

fn table(plugins: &[Value], ink: Ink) -> String {
    let mut page = Page::new(ink);
    for plugin in plugins {
        let text = |key: &str| plugin[key].as_str().unwrap_or_default();
        page.section(text("name"), place(plugin));
        page.rows(&[
            ["version".into(), version(plugin)],
            ["state".into(), state(plugin)],
            ["instances".into(), instances(plugin).into()],
        ]);
        let calls = calls(plugin);
        if calls.is_empty() {
            page.line(toned(Tone::Faint, "handles no event"));
        }
        page.rows(&calls);
    }
    if plugins.is_empty() {
        page.line("no plugins");
    }
    page.finish()
}

/// Returns when it is asked, and what it has to say.
fn place(plugin: &Value) -> String {
    let phase = format!("{} phase", plugin["phase"].as_str().unwrap_or_default());
    let share = plugin["share"].as_str().unwrap_or_default();
    let beside = plugin["instead_of"].as_str().map(|name| format!(" instead of {name}")).unwrap_or_default();
    match plugin["mode"].as_str() {
        Some("shadow") => format!("{phase}, a shadow{beside}: decides nothing"),
        Some("canary") => format!("{phase}, a canary{beside}: decides for {share}"),
        _ => phase,
    }
}

fn version(plugin: &Value) -> Cell {
    let digest: String = plugin["digest"].as_str().unwrap_or_default().chars().take("blake3:".len() + 16).collect();
    let kept = plugin["kept"].as_array().map(Vec::as_slice).unwrap_or_default();
    let kept: Vec<String> = kept.iter().map(|kept| kept["version"].to_string()).collect();
    let earlier = if kept.is_empty() { String::new() } else { format!(", kept: {}", kept.join(" ")) };
    let pinned = if plugin["stands_in_for_files"] == true { ", stands in for its files" } else { "" };
    let since = plugin["since"].as_str().unwrap_or_default();
    format!("{}  {digest}  since {since}{pinned}{earlier}", plugin["version"]).into()
}

fn state(plugin: &Value) -> Cell {
    let word = plugin["state"].as_str().unwrap_or_default();
    match plugin["quarantined_for_ms"].as_u64() {
        Some(left) => toned(Tone::Bad, format!("{word}, asked again in {:.1} s", left as f64 / 1000.0)),
        None if word == "well" => word.into(),
        None => toned(Tone::Caution, word),
    }
}

fn instances(plugin: &Value) -> String {
    let mebibytes = plugin["memory_bytes"].as_f64().unwrap_or_default() / f64::from(1 << 20);
    let snapshot = if plugin["has_snapshot"] == true { "from a snapshot" } else { "configured one by one" };
    format!(
        "{}, the largest of {mebibytes:.1} MiB, {snapshot}; {} calls to the host",
        plugin["instances"], plugin["host_calls"]
    )
}

/// Returns a row for each event that it handles, answers first.
fn calls(plugin: &Value) -> Vec<[Cell; 3]> {
    let events = plugin["events"].as_array().map(Vec::as_slice).unwrap_or_default();
    let row = |event: &str| {
        let outcomes = plugin["calls"][event].as_object().into_iter().flatten();
        let (answers, failures): (Vec<_>, Vec<_>) = outcomes.partition(|(word, _)| ANSWERS.contains(&word.as_str()));
        let told = |outcomes: Vec<(&String, &Value)>| {
            outcomes.into_iter().map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join("  ")
        };
        [event.into(), told(answers).into(), toned(Tone::Bad, told(failures))]
    };
    events.iter().filter_map(Value::as_str).map(row).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plugin_is_told_with_its_version_its_state_and_its_outcomes() {
        let plugins = [
            json!({
                "name": "filter", "phase": "received", "mode": "canary", "share": "5%", "instead_of": "old",
                "version": 3, "digest": "blake3:0123456789abcdef0123", "since": "2026-01-01T00:00:00Z",
                "kept": [{"version": 2}, {"version": 1}], "stands_in_for_files": true, "state": "quarantined",
                "quarantined_for_ms": 1500, "instances": 2, "memory_bytes": 1_572_864, "host_calls": 12,
                "has_snapshot": true, "events": ["message-received", "record"],
                "calls": {"message-received": {"accept": 7, "trap": 5}, "record": {}}
            }),
            json!({"name": "tenant:t", "phase": "tenant", "version": 1, "state": "well", "instances": 0, "memory_bytes": 0,
                "host_calls": 0, "has_snapshot": false, "events": []}),
        ];

        let expected = "\
filter     received phase, a canary instead of old: decides for 5%
  version    3  blake3:0123456789abcdef  since 2026-01-01T00:00:00Z, stands in for its files, kept: 2 1
  state      quarantined, asked again in 1.5 s
  instances  2, the largest of 1.5 MiB, from a snapshot; 12 calls to the host
  message-received  accept 7  trap 5
  record

tenant:t   tenant phase
  version    1    since
  state      well
  instances  0, the largest of 0.0 MiB, configured one by one; 0 calls to the host
  handles no event
";
        let told: Vec<String> = table(&plugins, Ink::NONE).lines().map(|line| line.trim_end().to_owned()).collect();
        assert_eq!(told.join("\n") + "\n", expected);
    }
}
