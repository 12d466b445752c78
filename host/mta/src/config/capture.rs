//! `[capture]`: what plugins are asked, written down for replaying.

use std::path::Path;

use tollgate_config::{Findings, Section};
use tollgate_desk::capture::Wanted;

/// Most octets that are written where nothing is said.
const MOST: u64 = 64 << 20;

pub(super) fn capture(top: &mut Section<'_>, folder: &Path, findings: &mut Findings) -> Option<Wanted> {
    let mut section = top.section("capture", findings)?;
    let path = section.text("path", findings);
    if path.is_none() && section.entry_is_missing("path") {
        section.missing("path", findings);
    }
    let share = section.parsed("share", findings, share).unwrap_or(1.0);
    let headers = section.list("headers", findings, |text| Ok(text.to_owned())).unwrap_or_else(named);
    let redact = section.boolean("redact", findings).unwrap_or(true);
    let most = section.size("max_size", findings).unwrap_or(MOST);
    if !redact {
        findings.warning(section.at(), "redact = false writes people's mail into files; see to who may read them");
    }
    section.finish(findings);
    Some(Wanted { folder: folder.join(path?), share, headers, redact, most })
}

/// Returns the headers that are kept where nothing is said: those of the guide, which say whose mail it is to us.
fn named() -> Vec<String> {
    ["X-Tenant", "X-Campaign", "X-Schedule"].map(str::to_owned).into()
}

fn share(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let percent = percent.filter(|percent| *percent > 0.0 && *percent <= 100.0);
    percent.map(|percent| percent / 100.0).ok_or_else(|| format!("'{text}' is not a share of the events such as '5%'"))
}
