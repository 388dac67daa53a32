//! The small campaign of every test run; `make crash-campaign` has the large one.

const CRASHES: usize = 100;

#[test]
fn a_hundred_crashes_lose_nothing_and_nothing_is_done_twice_but_where_a_policy_said_so() {
    let report = system_tests::campaign::run(CRASHES);
    println!("{report}");
    assert!(report.holds(), "{report}");
}
