//! What a newcomer sees first.

use std::process::Command;

#[test]
fn every_letter_has_its_end_and_nothing_is_left_behind() {
    let output = Command::new(env!("CARGO_BIN_EXE_tollgate")).arg("demo").env_remove("TOLLGATE_LOG").output().unwrap();

    let told = String::from_utf8(output.stdout).unwrap();
    let word = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
    let words: Vec<String> = told.lines().filter_map(word).collect();
    let count = |word: &str| words.iter().filter(|known| *known == word).count();
    let ends = ["delivered", "bounced", "expired", "refused"].map(count);
    assert_eq!((output.status.code(), ends), (Some(0), [5, 1, 1, 1]), "{told}");
    assert!(told.trim_end().ends_with("8 letters sent, 5 delivered to the sink, nothing left behind."), "{told}");
}
