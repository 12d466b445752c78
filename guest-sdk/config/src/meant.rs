//! Which option was meant by a key that is none.
//!
//! People misspell, abbreviate, leave out words, and remember other programs' names. So a key is compared as a whole,
//! whatever its case and its separators, and word by word: `retry_int`, `MAX-AGE`, `message_rate`. A key of which one word
//! is strange, or that could be several options, gets no hint: a wrong one costs more time than none.

use strsim::levenshtein;

/// What a word counts that is only nearly the other.
const NEARLY: f64 = 0.9;
/// How much of two names has to agree, word by word, from 0 to 1.
const ENOUGH: f64 = 0.55;

/// Returns the known option that was most likely meant by a key that is none; `None` where the key resembles nothing, or
/// several alike.
pub fn likeliest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.into_iter().collect();
    by_letters(name, &known).or_else(|| by_words(name, &known))
}

/// Returns the name with the fewest letters changed, if they are few: two, or a quarter of them.
fn by_letters<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let letters: String = words(name).concat();
    let distances = known.iter().map(|known| {
        let other = words(known).concat();
        (levenshtein(&letters, &other), other.len(), *known)
    });
    let (distance, length, best) = distances.min_by_key(|(distance, ..)| *distance)?;
    let few = distance <= (length / 4).max(2) && distance * 2 < letters.chars().count().max(2);
    few.then_some(best)
}

/// Returns the name that shares the most words, if every word of one is found in the other.
fn by_words<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let words_of_name = words(name);
    let agreed = known.iter().map(|known| (agreement(&words_of_name, &words(known)), *known));
    let mut best = (ENOUGH, None);
    for (score, known) in agreed {
        if score > best.0 {
            best = (score, Some(known));
        } else if score >= best.0 {
            // As likely as the other, so neither is.
            best.1 = None;
        }
    }
    best.1
}

/// Returns how much of two names agrees: twice the words in common, of all words; nothing where each has one of its own.
fn agreement(left: &[String], right: &[String]) -> f64 {
    let mut free: Vec<&String> = right.iter().collect();
    let mut common = 0.0;
    let mut missed = 0;
    for word in left {
        let likeness = free.iter().map(|other| likeness(word, other)).enumerate();
        match likeness.max_by(|(_, a), (_, b)| a.total_cmp(b)).filter(|(_, likeness)| *likeness > 0.0) {
            Some((found, likeness)) => {
                common += likeness;
                free.remove(found);
            }
            None => missed += 1,
        }
    }
    if missed > 0 && !free.is_empty() {
        return 0.0;
    }
    2.0 * common / (left.len() + right.len()) as f64
}

/// Returns 1 for equal words, nearly that for words that are short or long for each other, or misspelt; else 0.
fn likeness(word: &str, other: &str) -> f64 {
    if word == other {
        return 1.0;
    }
    let (short, long) = if word.len() <= other.len() { (word, other) } else { (other, word) };
    let length = short.chars().count();
    let shared = short.chars().zip(long.chars()).take_while(|(a, b)| a == b).count();
    let shortened = length >= 3 && (shared == length || is_abbreviation(short, long));
    let same_stem = shared >= 4 && shared * 4 >= length * 3;
    let misspelt = length >= 4 && levenshtein(short, long) <= 1 + usize::from(length >= 6);
    if shortened || same_stem || misspelt { NEARLY } else { 0.0 }
}

/// Returns whether a word is another without its vowels, or without most of them: `hdr`, `intvl`.
fn is_abbreviation(short: &str, long: &str) -> bool {
    let is_vowel = |letter: &char| matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u');
    let mut rest = long.chars();
    short.chars().next() == long.chars().next()
        && short.chars().skip(1).all(|letter| !is_vowel(&letter))
        && short.chars().all(|letter| rest.any(|other| other == letter))
        && short.chars().last() == long.chars().last()
}

/// Returns the words of a name, in small letters.
fn words(name: &str) -> Vec<String> {
    let words = name.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: [&str; 13] = [
        "retry_interval",
        "max_retry_interval",
        "max_age",
        "egress_pool",
        "max_message_rate",
        "protocol",
        "reap_interval",
        "refresh_interval",
        "refresh_strategy",
        "provider_name",
        "shrink_policy",
        "overall_max_message_rate",
        "routing_domain",
    ];
    const TOP: [&str; 8] = [
        "scheduling_header",
        "tenant_header",
        "remove_tenant_header",
        "campaign_header",
        "remove_campaign_header",
        "default_tenant",
        "tenant",
        "queue",
    ];

    #[test]
    fn a_key_finds_its_option_misspelt_shortened_or_in_part() {
        let found = [
            "retry_intervl",
            "retyr_intervall",
            "MAX_AGE",
            "max-age",
            "maxAge",
            "max_retry",
            "retry_int",
            "message_rate",
            "overall_max_rate",
            "pool",
            "retries",
            "egress_pool_name",
            "route_domain",
            "retry-intvl",
        ]
        .map(|name| likeliest(name, QUEUE).unwrap_or("-"));

        let (retry, age) = ("retry_interval", "max_age");
        let expected = [
            retry,
            retry,
            age,
            age,
            age,
            "max_retry_interval",
            retry,
            "max_message_rate",
            "overall_max_message_rate",
            "egress_pool",
            retry,
            "egress_pool",
            "routing_domain",
            retry,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_header_is_found_by_another_word_for_it() {
        let found = ["tenant_hdr", "schedule_header", "Tenant-Header", "campain_header", "default_tennant"]
            .map(|name| likeliest(name, TOP).unwrap_or("-"));

        assert_eq!(found, ["tenant_header", "scheduling_header", "tenant_header", "campaign_header", "default_tenant"]);
    }

    #[test]
    fn what_resembles_nothing_or_several_alike_gets_no_hint() {
        let strange =
            ["x", "", "_", "colour", "interval", "max_size", "timeout", "password", "listen", "my_own_rule", "ü"]
                .map(|name| likeliest(name, QUEUE));
        let header = ["header", "remove_header", "subject_header"].map(|name| likeliest(name, TOP));

        assert_eq!((strange, header), ([None; 11], [None; 3]));
    }
}
