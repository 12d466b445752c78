//! What a sink does other than accept: at which stage, for whom, and how often.
//!
//! At each stage the rules are asked in their order. Every delay that applies is waited for; the first rule of another
//! kind decides; without one the sink accepts. A rule with a limit applies that many times to each recipient, or, where
//! there is none to tell apart, that many times in all.
//!
//! [`Rule`] can be read from a text; [`parse`] has the grammar.

pub mod parse;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tollgate_smtp::reply::Reply;

pub use parse::RuleError;

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// For whom. Before RCPT nobody is known, and only [`Pattern::Anybody`] applies.
    pub recipients: Pattern,
    /// In answer to what.
    pub stage: Stage,
    /// What is done.
    pub action: Action,
    /// How often, for each recipient; nothing for always.
    pub times: Option<u32>,
}

/// Which recipients a rule is for. Case does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// Everybody, and stages at which nobody is known.
    Anybody,
    /// One address.
    Address(String),
    /// All addresses of a domain.
    Domain(String),
    /// All addresses whose local part begins with this, in any domain.
    LocalPrefix(String),
}

/// A point in the conversation at which the sink can act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// In place of the greeting.
    Banner,
    /// In answer to EHLO; a client that is refused with 5yz goes on with HELO and no extensions.
    Ehlo,
    /// In answer to MAIL.
    Mail,
    /// In answer to RCPT.
    Rcpt,
    /// In answer to DATA. Applies if any recipient of the message matches.
    Data,
    /// In answer to the final dot. Applies if any recipient of the message matches.
    Dot,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Goes on as without rules, so that later rules do not apply.
    Accept,
    /// Says this. A reply 421 also closes the connection.
    Reply(Reply),
    /// Closes the connection without a word.
    Close,
    /// Waits, and then asks the rules behind this one.
    Delay(Duration),
}

impl Pattern {
    /// Returns whether an address without brackets matches.
    pub fn matches(&self, recipient: &str) -> bool {
        let (local, domain) = recipient.rsplit_once('@').unwrap_or((recipient, ""));
        match self {
            Pattern::Anybody => true,
            Pattern::Address(address) => recipient.eq_ignore_ascii_case(address),
            Pattern::Domain(expected) => domain.eq_ignore_ascii_case(expected),
            Pattern::LocalPrefix(prefix) => {
                local.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            }
        }
    }
}

/// What the rules say about one moment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// How long to wait first.
    pub(crate) delay: Duration,
    /// What to do then.
    pub(crate) verdict: Verdict,
}

/// What is left of an action once its delays are waited for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accept,
    Reply(Reply),
    Close,
}

/// The rules of a sink, and how often those with a limit have applied.
#[derive(Debug)]
pub(crate) struct Script {
    rules: Vec<Rule>,
    /// By rule and recipient in lower case.
    used: Mutex<HashMap<(usize, String), u32>>,
}

impl Script {
    pub(crate) fn new(rules: Vec<Rule>) -> Script {
        Script { rules, used: Mutex::default() }
    }

    /// Decides for one moment. `recipients`: those who are known by then.
    pub(crate) fn decide(&self, stage: Stage, recipients: &[String]) -> Decision {
        let mut delay = Duration::ZERO;
        for (index, rule) in self.rules.iter().enumerate() {
            let Some(whom) = rule.applies(stage, recipients) else { continue };
            if !self.use_up(index, rule, whom) {
                continue;
            }
            let verdict = match &rule.action {
                Action::Delay(time) => {
                    delay += *time;
                    continue;
                }
                Action::Accept => Verdict::Accept,
                Action::Reply(reply) => Verdict::Reply(reply.clone()),
                Action::Close => Verdict::Close,
            };
            return Decision { delay, verdict };
        }
        Decision { delay, verdict: Verdict::Accept }
    }

    /// Counts one use of a rule; returns whether there was one left.
    fn use_up(&self, index: usize, rule: &Rule, whom: &str) -> bool {
        let Some(times) = rule.times else { return true };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let count = used.entry((index, whom.to_ascii_lowercase())).or_default();
        let left = *count < times;
        *count += u32::from(left);
        left
    }
}

impl Rule {
    /// Returns the recipient for whom the rule applies, empty where none is known; nothing if it does not apply.
    fn applies<'a>(&self, stage: Stage, recipients: &'a [String]) -> Option<&'a str> {
        if self.stage != stage {
            return None;
        }
        if recipients.is_empty() {
            return (self.recipients == Pattern::Anybody).then_some("");
        }
        recipients.iter().map(String::as_str).find(|recipient| self.recipients.matches(recipient))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Decision, Pattern, Script, Stage, Verdict};

    fn script(rules: &[&str]) -> Script {
        Script::new(rules.iter().map(|rule| rule.parse().unwrap()).collect())
    }

    /// Returns the verdicts at RCPT, each as a word or a code.
    fn verdicts(script: &Script, recipients: &[&str]) -> Vec<String> {
        let verdict = |recipient: &&str| match script.decide(Stage::Rcpt, &[(*recipient).to_owned()]).verdict {
            Verdict::Accept => "accept".to_owned(),
            Verdict::Close => "close".to_owned(),
            Verdict::Reply(reply) => reply.code().to_string(),
        };
        recipients.iter().map(verdict).collect()
    }

    #[test]
    fn patterns_match_in_any_case() {
        let local = Pattern::LocalPrefix("slow".into());
        let domain = Pattern::Domain("example.com".into());
        let address = Pattern::Address("a@example.com".into());
        for (pattern, recipient, expected) in [
            (&local, "SLOW-7@example.org", true),
            (&local, "slo@example.org", false),
            (&local, "so-slow@example.org", false),
            (&domain, "x@Example.COM", true),
            (&domain, "x@sub.example.com", false),
            (&address, "A@example.com", true),
            (&address, "aa@example.com", false),
            (&Pattern::Anybody, "Postmaster", true),
        ] {
            assert_eq!(pattern.matches(recipient), expected, "{pattern:?} {recipient}");
        }
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let script = script(&["rcpt=vip@ accept", "rcpt=@bad.example reply=550 no", "rcpt=x@bad.example close"]);

        let seen = verdicts(&script, &["vip@bad.example", "x@bad.example", "x@good.example"]);

        assert_eq!(seen, ["accept", "550", "accept"]);
    }

    #[test]
    fn a_limit_counts_for_each_recipient() {
        let script = script(&["rcpt=slow@ reply=451 later times=2"]);

        let seen = verdicts(&script, &["slow1@a", "slow2@a", "SLOW1@a", "slow1@a", "slow2@a", "slow2@a"]);

        assert_eq!(seen, ["451", "451", "451", "accept", "451", "accept"]);
    }

    #[test]
    fn delays_add_up_until_a_rule_decides() {
        let script = script(&[
            "stage=banner delay=1s",
            "stage=banner delay=500ms",
            "stage=banner close",
            "stage=banner delay=9s",
        ]);

        let decision = script.decide(Stage::Banner, &[]);

        assert_eq!(decision, Decision { delay: Duration::from_millis(1500), verdict: Verdict::Close });
    }
}
