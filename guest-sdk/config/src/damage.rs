//! How far the damage of a TOML syntax error goes.
//!
//! The parser goes on behind an error, and what it reads then is not always what was written: the keys under a broken
//! header end in another table, an array without its bracket takes in the lines that follow. What is said about such lines
//! would send people astray. An error spoils its line; a value that holds an error, all of its lines; a broken header, all
//! lines up to the next header that is whole.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::lines::Lines;

/// Returns the lines that errors at these offsets, in order, have spoilt.
pub(crate) fn lines(text: &str, lines: &Lines<'_>, table: &DeTable<'_>, errors: &[usize]) -> Vec<Range<u32>> {
    let line = |offset: usize| lines.position(offset).line;
    if errors.is_empty() {
        return Vec::new();
    }
    let broken: Vec<u32> = errors.iter().map(|offset| line(*offset)).collect();
    let mut spoilt: Vec<Range<u32>> = broken.iter().map(|at| *at..after(text, lines, *at, &broken)).collect();
    values(table, &mut |span| {
        let first = errors.partition_point(|error| *error < span.start);
        if errors.get(first).is_some_and(|error| *error <= span.end) {
            spoilt.push(line(span.start)..line(span.end) + 1);
        }
    });
    spoilt
}

/// Returns the line behind what an error in this line spoils.
fn after(text: &str, lines: &Lines<'_>, broken: u32, all_broken: &[u32]) -> u32 {
    let from = lines.start(usize::try_from(broken).unwrap_or(usize::MAX));
    let mut rest = text[from..].lines();
    if !rest.next().is_some_and(is_header) {
        return broken + 1;
    }
    let next = (broken + 1..).zip(rest).find(|(line, text)| is_header(text) && all_broken.binary_search(line).is_err());
    next.map_or(u32::MAX, |(line, _)| line)
}

fn is_header(line: &str) -> bool {
    line.trim_start().starts_with('[')
}

/// Shows the span of every value with its key, tables with headers left out: they are made of many.
fn values(table: &DeTable<'_>, show: &mut impl FnMut(Range<usize>)) {
    for (key, value) in table {
        match value.get_ref() {
            DeValue::Table(inner) if !is_inline(key.span(), value) => values(inner, show),
            _ => show(key.span().start..value.span().end),
        }
    }
}

/// A table is inline if its braces follow its key; that of a header is where the header is.
fn is_inline(key: Range<usize>, value: &Spanned<DeValue<'_>>) -> bool {
    value.span().start >= key.end
}
