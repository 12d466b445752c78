//! `tollgate plugin test`: what every plugin has to survive, what this one's author expects, and what queue-helper does.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use tollgate_desk::{
    behaviour, contract,
    report::{Entry, Report, Suite, Verdict},
};

use super::{
    super::{
        explain,
        terminal::{Colour, Ink, Tone, plain},
    },
    change::unasked,
    component::{Component, Given, Waiting},
    events,
};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    given: Given,
    /// What it is held to; may be repeated. Without it: the contract, and the author's cases where there are some.
    #[arg(long = "suite", value_name = "SUITE", value_enum)]
    suites: Vec<Chosen>,
    /// The folder of the author's cases [default: `cases` beside the component].
    #[arg(long, value_name = "FOLDER")]
    cases: Option<PathBuf>,
    /// Writes a report as JUnit's XML too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
    /// Whether to colour what is printed.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    color: Colour,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum, Debug)]
enum Chosen {
    /// What every plugin has to survive.
    Contract,
    /// The author's own cases.
    Behaviour,
    /// What queue-helper answers, so that one in another language can prove itself.
    QueueHelper,
}

/// Runs the suites; returns 1 where one is broken, 2 where there is nothing to run.
pub(super) fn run(args: &Args) -> ExitCode {
    let component = match args.given.component() {
        Ok(component) => component,
        Err(code) => return code,
    };
    let cases = match cases(args, &component) {
        Ok(cases) => cases,
        Err(reason) => return unasked(&reason),
    };
    let waiting = match component.subject(args.color) {
        Ok(waiting) => waiting,
        Err(code) => return code,
    };
    let mut report = Report { component: component.file.display().to_string(), suites: Vec::new() };
    for suite in chosen(args, !cases.is_empty()) {
        match run_suite(args, suite, &waiting, &cases) {
            Ok(suite) => report.suites.push(suite),
            Err(reason) => return unasked(&reason),
        }
    }
    if let Some(path) = &args.junit
        && let Err(reason) = fs::write(path, report.junit())
    {
        return unasked(&format!("{}: {reason}", path.display()));
    }
    let text = if args.json { format!("{:#}\n", report.json()) } else { sum(&report, args.color.ink(&io::stdout())) };
    drop(io::stdout().write_all(text.as_bytes()));
    if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn chosen(args: &Args, has_cases: bool) -> Vec<Chosen> {
    match args.suites.as_slice() {
        [] if has_cases => vec![Chosen::Contract, Chosen::Behaviour],
        [] => vec![Chosen::Contract],
        suites => suites.to_vec(),
    }
}

/// Reads the author's cases; none where nobody asked for any and there is no folder.
fn cases(args: &Args, component: &Component) -> Result<Vec<behaviour::Found>, String> {
    let beside = || component.file.parent().unwrap_or(Path::new("")).join("cases");
    let folder = args.cases.clone().unwrap_or_else(beside);
    let wanted = args.cases.is_some() || args.suites.contains(&Chosen::Behaviour);
    if !wanted && (!folder.is_dir() || !args.suites.is_empty()) {
        return Ok(Vec::new());
    }
    let found = behaviour::read(&folder, events::now()).map_err(|reason| format!("{}: {reason}", folder.display()))?;
    if wanted && found.is_empty() {
        return Err(format!("{}: there is no case in it; a case is a file NAME.toml or NAME.json", folder.display()));
    }
    Ok(found)
}

fn run_suite(args: &Args, suite: Chosen, waiting: &Waiting, cases: &[behaviour::Found]) -> Result<Suite, String> {
    let ink = args.color.ink(&io::stdout());
    let told = |entry: &Entry| {
        if !args.json {
            drop(io::stdout().write_all(line(entry, ink).as_bytes()));
        }
    };
    let heading = |text: &str| told_heading(args, ink, text);
    Ok(match suite {
        Chosen::Contract => {
            heading("Contract: what every plugin has to survive");
            contract::run(&waiting.subject, told)
        }
        Chosen::Behaviour => {
            heading("Behaviour: its author's cases");
            behaviour::run(&waiting.subject, cases, told)
        }
        Chosen::QueueHelper => {
            heading("queue-helper: what the stock plugin answers");
            explain::conformance(&waiting.subject.component, told)?
        }
    })
}

fn told_heading(args: &Args, ink: Ink, text: &str) {
    if !args.json {
        drop(writeln!(io::stdout(), "{}", ink.paint(Tone::Strong, text)));
    }
}

/// Returns a line for a clause or case, and those that say how it is broken.
fn line(entry: &Entry, ink: Ink) -> String {
    let Entry { name, demand, verdict, .. } = entry;
    let (word, tone, more) = match verdict {
        Verdict::Holds => ("holds", Tone::Good, Vec::new()),
        Verdict::Broken(problems) => ("broken", Tone::Bad, problems.clone()),
        Verdict::Skipped(reason) => ("skipped", Tone::Caution, vec![reason.clone()]),
    };
    let word = ink.paint(tone, &format!("{word:7}"));
    let more: String = more.iter().map(|problem| format!("             {}\n", plain(problem))).collect();
    format!("  {word}  {:16} {}\n{more}", plain(name), ink.paint(Tone::Faint, &plain(demand)))
}

fn sum(report: &Report, ink: Ink) -> String {
    let (holds, broken, skipped) = report.count();
    let (word, tone) = if broken == 0 { ("holds", Tone::Good) } else { ("does not hold", Tone::Bad) };
    let word = ink.paint(tone, word);
    format!("\n{} {word}: {holds} hold, {broken} broken, {skipped} skipped\n", plain(&report.component))
}
