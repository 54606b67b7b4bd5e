//! Commands handed over, on a store of the test's own.

use super::*;
use crate::output::Heard;

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(OsString::from).collect()
}

#[test]
fn only_what_computes_is_handed_over() {
    let asked = |line: &str| dispatch::parse(words(line)).unwrap().asked;
    for line in [
        "messier cluster trip --run k",
        "messier runs trip rerun k",
        "messier repl",
        "messier query trip cluster(run=\"k\")",
    ] {
        assert!(computes(&asked(line)), "{line}");
    }
    for line in [
        "messier list",
        "messier query trip count()",
        "messier runs trip",
        "messier tag trip limit(1) x",
        "messier verify",
    ] {
        assert!(!computes(&asked(line)), "{line}");
    }
}

#[test]
#[cfg(unix)]
fn a_command_runs_at_the_owner_and_its_words_and_code_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let Place::Holding(holding) = take_place(dir.path()) else {
        panic!("the store is free")
    };
    let Place::Elsewhere(connection) = take_place(dir.path()) else {
        panic!("the store is held")
    };
    let (terminal, heard) = Heard::terminal(Look::plain(Some(80)), "");
    let code = hand_over(
        connection,
        &words("messier reduce nothing --run map"),
        &terminal,
        dir.path(),
        &Stop::new(),
    );
    assert_eq!(code, Some(1));
    assert!(
        heard.err().contains("no dataset called \"nothing\""),
        "{}",
        heard.err()
    );
    holding.finish(&terminal, &Stop::new());
    assert!(matches!(take_place(dir.path()), Place::Holding(_)));
}

#[test]
#[cfg(unix)]
fn an_owner_that_is_ending_sends_others_on() {
    let dir = tempfile::tempdir().unwrap();
    let Place::Holding(holding) = take_place(dir.path()) else {
        panic!("the store is free")
    };
    holding.desk.closing.store(true, Ordering::SeqCst);
    let Place::Elsewhere(connection) = take_place(dir.path()) else {
        panic!("the store is held")
    };
    let (terminal, _) = Heard::terminal(Look::plain(Some(80)), "");
    let code = hand_over(
        connection,
        &words("messier reduce x --run map"),
        &terminal,
        dir.path(),
        &Stop::new(),
    );
    assert_eq!(code, None);
}
