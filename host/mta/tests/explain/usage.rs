//! Questions that cannot be asked, and how the answer is printed.

use crate::kit::person;

#[test]
fn colour_is_for_terminals_and_for_those_who_ask_for_it() {
    let question = ["--queues", "queues.toml", "--queue", "a.com"];
    let coloured = |colour: &[&str]| person(&[&question, colour].concat()).1.contains('\u{1b}');

    let seen = [&[][..], &["--color", "auto"], &["--color", "never"], &["--color", "always"]].map(coloured);

    assert_eq!(seen, [false, false, false, true]);
}

#[test]
fn who_asks_in_the_wrong_way_is_told_the_right_one() {
    let questions: [&[&str]; 5] = [
        &["--config", "tollgate.toml", "--to", "ann"],
        &["--config", "tollgate.toml", "--queue", "c:t@"],
        &["--queues", "queus.toml", "--queue", "a.com"],
        &["--queues", "queues.toml", "--to", "u@a.com", "--header", "X-Tenant"],
        &["--config", "tollgate.toml"],
    ];

    let seen = questions.map(|question| {
        let (code, said, told) = person(question);
        (code, said, told.lines().next().unwrap_or_default().to_owned(), told.contains("--config FILE --queue NAME"))
    });

    let expected = [
        ("tollgate: --to: 'ann' is no address; write one such as ann@example.com", false),
        ("tollgate: --queue: 'c:t@' has no domain; a queue is named CAMPAIGN:TENANT@DOMAIN, or just DOMAIN", false),
        ("tollgate: queus.toml: No such file or directory (os error 2); did you mean `queues.toml`?", false),
        (
            "error: invalid value 'X-Tenant' for '--header <NAME: VALUE>': expected a name, a colon and a value, such as \
             'X-Tenant: mytenant'",
            false,
        ),
        ("error: the following required arguments were not provided:", true),
    ];
    let told = |(line, usage): (&str, bool)| (Some(2), String::new(), line.to_owned(), usage);
    assert_eq!(seen, expected.map(told));
}

#[test]
fn files_that_do_not_load_are_shown_as_check_shows_them() {
    let answer = person(&["--queues", "broken.toml", "--queue", "a.com"]);

    let expected = "broken.toml:2:1 error: `max_aeg` is not an option of a queue; did you mean `max_age`?\n    \
                    max_aeg = '1h'\n    ^\n";
    assert_eq!(answer, (Some(2), String::new(), expected.to_owned()));
}
