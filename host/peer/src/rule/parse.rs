//! The text of a rule, as it is written on a command line.
//!
//! A rule is words with blanks between them, in any order but for the reply, whose text goes on up to the next `times=`,
//! `stage=` or `rcpt=`:
//!
//! ```text
//! rule    = [ "rcpt=" pattern ] [ "stage=" stage ] action [ "times=" number ]
//! pattern = address | "@" domain | prefix "@" | "*"          default: *
//! stage   = "banner" | "ehlo" | "mail" | "rcpt" | "data" | "dot"   default: rcpt
//! action  = "reply=" code [ enhanced ] text | "close" | "delay=" time | "accept"
//! time    = number ( "ms" | "s" | "m" )
//! ```
//!
//! So `rcpt=slow@ reply=451 4.3.0 later times=2` puts off everybody whose local part begins with `slow` twice, and
//! `stage=banner reply=554 go away` turns every connection away.

use std::str::FromStr;
use std::time::Duration;

use tollgate_smtp::reply::{EnhancedCode, Reply};

use super::{Action, Pattern, Rule, Stage};

/// Says what is wrong with the text of a rule. Whoever wrote it is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A word that is none of the grammar's.
    #[error("`{0}` is not understood: expected rcpt=, stage=, reply=, delay=, times=, close or accept")]
    Word(String),
    /// The same kind of word twice.
    #[error("`{0}` comes twice")]
    Twice(&'static str),
    /// No action.
    #[error("nothing to do: expected reply=, delay=, close or accept")]
    NoAction,
    /// A pattern that is none.
    #[error("rcpt=`{0}`: expected an address, `@domain`, `localprefix@` or `*`")]
    Pattern(String),
    /// A stage that is none.
    #[error("stage=`{0}`: expected banner, ehlo, mail, rcpt, data or dot")]
    Stage(String),
    /// A reply that is none.
    #[error("reply=`{0}`: expected a code from 400 to 599, an enhanced code of the same class if any, and a text")]
    Reply(String),
    /// A time that is none.
    #[error("delay=`{0}`: expected a number and ms, s or m, such as 500ms")]
    Delay(String),
    /// A number of times that is none.
    #[error("times=`{0}`: expected a number from 1")]
    Times(String),
    /// A pattern where no recipient is known yet.
    #[error("rcpt= with stage=banner, ehlo or mail never applies: no recipient is known by then")]
    TooEarly,
}

/// What was read so far.
#[derive(Default)]
struct Draft {
    recipients: Option<Pattern>,
    stage: Option<Stage>,
    action: Option<Action>,
    times: Option<u32>,
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Rule, RuleError> {
        let mut draft = Draft::default();
        let mut words = text.split_ascii_whitespace().peekable();
        while let Some(word) = words.next() {
            match word.split_once('=') {
                Some(("reply", code)) => {
                    let mut reply = code.to_owned();
                    while let Some(more) = words.next_if(|word| !ends_reply(word)) {
                        reply.push(' ');
                        reply.push_str(more);
                    }
                    draft.act(Action::Reply(parse_reply(&reply)?))?;
                }
                Some((key, value)) => draft.take_value(key, value, word)?,
                None => draft.take_word(word)?,
            }
        }
        draft.finish()
    }
}

impl Draft {
    fn take_value(&mut self, key: &str, value: &str, word: &str) -> Result<(), RuleError> {
        match key {
            "rcpt" => set(&mut self.recipients, parse_pattern(value)?, "rcpt="),
            "stage" => set(&mut self.stage, parse_stage(value)?, "stage="),
            "times" => set(&mut self.times, parse_times(value)?, "times="),
            "delay" => self.act(Action::Delay(parse_delay(value)?)),
            _ => Err(RuleError::Word(word.to_owned())),
        }
    }

    fn take_word(&mut self, word: &str) -> Result<(), RuleError> {
        match word {
            "close" => self.act(Action::Close),
            "accept" => self.act(Action::Accept),
            _ => Err(RuleError::Word(word.to_owned())),
        }
    }

    fn act(&mut self, action: Action) -> Result<(), RuleError> {
        set(&mut self.action, action, "an action")
    }

    fn finish(self) -> Result<Rule, RuleError> {
        let stage = self.stage.unwrap_or(Stage::Rcpt);
        let recipients = self.recipients.unwrap_or(Pattern::Anybody);
        if matches!(stage, Stage::Banner | Stage::Ehlo | Stage::Mail) && recipients != Pattern::Anybody {
            return Err(RuleError::TooEarly);
        }
        Ok(Rule { recipients, stage, action: self.action.ok_or(RuleError::NoAction)?, times: self.times })
    }
}

fn set<T>(place: &mut Option<T>, value: T, what: &'static str) -> Result<(), RuleError> {
    if place.is_some() {
        return Err(RuleError::Twice(what));
    }
    *place = Some(value);
    Ok(())
}

fn ends_reply(word: &str) -> bool {
    ["times=", "stage=", "rcpt="].iter().any(|key| word.starts_with(key))
}

fn parse_pattern(text: &str) -> Result<Pattern, RuleError> {
    match text.rsplit_once('@') {
        _ if text == "*" => Ok(Pattern::Anybody),
        Some(("", domain)) if !domain.is_empty() => Ok(Pattern::Domain(domain.to_owned())),
        Some((prefix, "")) if !prefix.is_empty() => Ok(Pattern::LocalPrefix(prefix.to_owned())),
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => Ok(Pattern::Address(text.to_owned())),
        _ => Err(RuleError::Pattern(text.to_owned())),
    }
}

fn parse_stage(text: &str) -> Result<Stage, RuleError> {
    Ok(match text {
        "banner" => Stage::Banner,
        "ehlo" => Stage::Ehlo,
        "mail" => Stage::Mail,
        "rcpt" => Stage::Rcpt,
        "data" => Stage::Data,
        "dot" => Stage::Dot,
        _ => return Err(RuleError::Stage(text.to_owned())),
    })
}

fn parse_times(text: &str) -> Result<u32, RuleError> {
    text.parse().ok().filter(|times| *times > 0).ok_or_else(|| RuleError::Times(text.to_owned()))
}

fn parse_delay(text: &str) -> Result<Duration, RuleError> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: Result<u32, _> = text[..text.len() - unit.len()].parse();
    match (number, unit) {
        (Ok(number), "ms") => Ok(Duration::from_millis(number.into())),
        (Ok(number), "s") => Ok(Duration::from_secs(number.into())),
        (Ok(number), "m") => Ok(Duration::from_secs(60 * u64::from(number))),
        _ => Err(RuleError::Delay(text.to_owned())),
    }
}

/// Reads a refusal: a reply that accepts would say what the sink does not do.
fn parse_reply(text: &str) -> Result<Reply, RuleError> {
    let bad = || RuleError::Reply(text.to_owned());
    let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
    let code: u16 = code.parse().ok().filter(|code| (400..=599).contains(code)).ok_or_else(bad)?;
    let (first, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    let reply = match EnhancedCode::parse(first) {
        Some(enhanced) => Reply::new(code, Some(enhanced), behind),
        None => Reply::new(code, None, rest),
    };
    reply.ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tollgate_smtp::reply::{EnhancedCode, Reply};

    use crate::rule::{Action, Pattern, Rule, RuleError, Stage};

    fn reply(code: u16, enhanced: &str, text: &str) -> Action {
        Action::Reply(Reply::new(code, EnhancedCode::parse(enhanced), text).unwrap())
    }

    fn rule(recipients: Pattern, stage: Stage, action: Action, times: Option<u32>) -> Rule {
        Rule { recipients, stage, action, times }
    }

    #[test]
    fn rules_are_read() {
        use Pattern::{Address, Anybody, Domain, LocalPrefix};
        let later = reply(451, "4.3.0", "try later");
        for (text, expected) in [
            (
                "rcpt=slow@ reply=451 4.3.0 try later times=2",
                rule(LocalPrefix("slow".into()), Stage::Rcpt, later.clone(), Some(2)),
            ),
            (
                "times=2 reply=451 4.3.0 try  later rcpt=@example.com",
                rule(Domain("example.com".into()), Stage::Rcpt, later, Some(2)),
            ),
            ("stage=banner reply=554 No", rule(Anybody, Stage::Banner, reply(554, "", "No"), None)),
            ("stage=dot reply=550", rule(Anybody, Stage::Dot, reply(550, "", ""), None)),
            (
                "rcpt=a@example.com stage=data close",
                rule(Address("a@example.com".into()), Stage::Data, Action::Close, None),
            ),
            ("rcpt=* delay=500ms", rule(Anybody, Stage::Rcpt, Action::Delay(Duration::from_millis(500)), None)),
            ("stage=mail delay=2m", rule(Anybody, Stage::Mail, Action::Delay(Duration::from_secs(120)), None)),
            ("accept", rule(Anybody, Stage::Rcpt, Action::Accept, None)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_rule_is_told_why() {
        for (text, expected) in [
            ("", RuleError::NoAction),
            ("rcpt=a@", RuleError::NoAction),
            ("drop", RuleError::Word("drop".into())),
            ("from=a@b close", RuleError::Word("from=a@b".into())),
            ("close accept", RuleError::Twice("an action")),
            ("close times=1 times=2", RuleError::Twice("times=")),
            ("rcpt=nobody close", RuleError::Pattern("nobody".into())),
            ("rcpt=@ close", RuleError::Pattern("@".into())),
            ("stage=quit close", RuleError::Stage("quit".into())),
            ("reply=250 ok", RuleError::Reply("250 ok".into())),
            ("reply=451 5.0.0 no", RuleError::Reply("451 5.0.0 no".into())),
            ("reply=no", RuleError::Reply("no".into())),
            ("delay=5", RuleError::Delay("5".into())),
            ("delay=fast", RuleError::Delay("fast".into())),
            ("close times=0", RuleError::Times("0".into())),
            ("rcpt=a@ stage=mail close", RuleError::TooEarly),
        ] {
            assert_eq!(text.parse::<Rule>(), Err(expected), "{text}");
        }
    }
}
