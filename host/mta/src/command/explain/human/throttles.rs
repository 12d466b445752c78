//! What holds mail back, in words.

use std::time::Duration;

use tollgate_config::{Rate, duration};

use super::{
    super::{
        super::terminal::Tone,
        ask::{Queue, Throttle},
        background::Background,
        page::{Cell, Page, toned},
    },
    limits,
};

/// Lists the rates that the queue's mail shares in, and those that each source keeps on the way.
pub(super) fn section(page: &mut Page, queue: &Queue, background: &Background) {
    let row = |scope: &str, key: String, rate: &Rate| -> [Cell; 4] {
        [scope.into(), key.into(), toned(Tone::Strong, rate.to_string()), meaning(rate).into()]
    };
    let own = queue.throttles.iter().map(|Throttle { scope, key, rate }| row(scope, key.clone(), rate));
    let of_sources = limits::of(queue, background);
    let of_sources = of_sources.iter().flat_map(limits::Held::rates);
    let of_sources = of_sources.map(|(key, rate)| row("source", key, &limits::in_words(&rate)));
    let rows: Vec<[Cell; 4]> = own.chain(of_sources).collect();
    let headline = match rows.len() {
        0 => "none",
        1 => "",
        _ => "a message passes when all of them let it",
    };
    page.section("Throttles", headline);
    if !rows.is_empty() {
        let titles = ["scope", "bucket", "rate", ""].map(|title| toned(Tone::Faint, title));
        page.rows(&[titles].into_iter().chain(rows).collect::<Vec<_>>());
    }
}

/// Returns what a rate means: how many may come at once, and how they come from then on.
fn meaning(rate: &Rate) -> String {
    let burst = rate.max_burst.unwrap_or(rate.limit);
    let each = rate.period.div_f64(rate.limit as f64);
    let then = if each < Duration::from_millis(1) {
        format!("{} a second", rate.limit / rate.period.as_secs().max(1))
    } else {
        format!("one every {}", interval(each))
    };
    let local = if rate.local { ", counted on this node alone" } else { "" };
    format!("at most {burst} at once, then {then}{local}")
}

/// Returns a short time with what matters of it.
fn interval(each: Duration) -> String {
    let millis = each.as_micros().div_ceil(100) as f64 / 10.0;
    match each.as_secs() {
        0 => format!("{}ms", millis),
        1..60 if each.subsec_millis() > 0 => format!("{:.1}s", each.as_secs_f64()),
        seconds => duration::format(Duration::from_secs(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_in_words() {
        let told = ["100/h", "10/s", "3/s,max_burst=1", "7/m", "local:5/d", "1,000,000/m"]
            .map(|text| meaning(&text.parse().expect("a rate")));

        let expected = [
            "at most 100 at once, then one every 36s",
            "at most 10 at once, then one every 100ms",
            "at most 1 at once, then one every 333.4ms",
            "at most 7 at once, then one every 8.6s",
            "at most 5 at once, then one every 4h 48m, counted on this node alone",
            "at most 1000000 at once, then 16666 a second",
        ];
        assert_eq!(told, expected);
    }
}
