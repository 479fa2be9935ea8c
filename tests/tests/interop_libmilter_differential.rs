//! Our library and libmilter live the same mutated sessions; `--bin differential` does it with many more of them.

use milter_tests::differential::run;

#[test]
fn mutated_sessions_are_lived_as_by_libmilter_or_the_difference_is_listed() {
    let report = run(1, 0..3000);
    assert!(report.unlisted().is_empty(), "{report}");
    // Neither is everything refused, nor is nothing found.
    assert!(report.same() > report.sessions() / 2, "{report}");
    assert!(report.reasons_found() > 20, "{report}");
}
