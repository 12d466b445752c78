//! Asking a running server over HTTP.

use std::{path::PathBuf, time::Duration};

use serde_json::Value;

use super::running::reachable;
use crate::config::{self, Refused};

/// How long an answer may take: a component may have to be compiled first.
const PATIENCE: Duration = Duration::from_secs(300);
/// Most octets of an answer; ten thousand plugins take some megabytes.
const MOST: u64 = 256 << 20;

/// Which server.
#[derive(clap::Args, Debug)]
pub(crate) struct Server {
    /// The server's configuration file: it is asked where [http] listens.
    #[arg(long, short, value_name = "FILE", required_unless_present = "endpoint")]
    config: Option<PathBuf>,
    /// Where the server is, such as http://127.0.0.1:8025; a file that is given has the last word.
    #[arg(long, value_name = "URL", env = "TOLLGATE_ENDPOINT")]
    endpoint: Option<String>,
}

/// What a server said.
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) content: Value,
}

impl Server {
    /// Asks for what is at a path.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    pub(crate) fn get(&self, path: &str) -> Result<Said, String> {
        let url = self.url(path)?;
        said(&url, agent().get(&url).call())
    }

    /// Gives something to what is at a path.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    pub(crate) fn post(&self, path: &str, octets: &[u8]) -> Result<Said, String> {
        let url = self.url(path)?;
        said(&url, agent().post(&url).send(octets))
    }

    fn url(&self, path: &str) -> Result<String, String> {
        let base = match (&self.endpoint, &self.config) {
            (Some(endpoint), None) => endpoint.trim_end_matches('/').to_owned(),
            (_, Some(file)) => {
                let read = config::read(file).map_err(|refused| match refused {
                    Refused::Findings(..) => format!("{} has errors; tollgate check lists them", file.display()),
                    unreadable @ Refused::Unreadable { .. } => unreadable.to_string(),
                })?;
                let http =
                    read.0.http.ok_or_else(|| format!("{} has no [http]; a server is asked there", file.display()))?;
                format!("http://{}", reachable(http.listen))
            }
            (None, None) => return Err("--config or --endpoint says which server".to_owned()),
        };
        Ok(format!("{base}{path}"))
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
    config.max_redirects(0).proxy(None).build().into()
}

fn said(url: &str, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Said, String> {
    let mut answer = answer.map_err(|reason| format!("no answer from {url}: {reason}"))?;
    let status = answer.status().as_u16();
    let text = answer.body_mut().with_config().limit(MOST).read_to_string();
    let text = text.map_err(|reason| format!("no whole answer from {url}: {reason}"))?;
    // What is no JSON is an error's text.
    let content = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Said { status, content })
}

impl Said {
    /// Returns what the server says of something that it did not do.
    pub(crate) fn reason(&self) -> String {
        let text = self.content["error"].as_str().or_else(|| self.content.as_str()).unwrap_or_default().trim();
        format!("the server answers {}: {text}", self.status)
    }
}

/// Returns a name as part of a path.
pub(crate) fn segment(name: &str) -> String {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~".contains(&octet);
    name.bytes()
        .map(|octet| if plain(octet) { char::from(octet).to_string() } else { format!("%{octet:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_to_another_path() {
        assert_eq!(segment("a b/../c?d#e"), "a%20b%2F..%2Fc%3Fd%23e");
    }
}
