//! The queries that run all the time find their rows by index, however many rows there are.

use rusqlite::Connection;

use crate::sqlite::{claim, deployments, pauses, read, schema};

fn plan(sql: &str) -> String {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrate(&mut connection, schema::MAIN).unwrap();
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let parameters = vec![1; statement.parameter_count()];
    let steps = statement.query_map(rusqlite::params_from_iter(parameters), |row| {
        row.get::<_, String>(3)
    });
    steps.unwrap().collect::<Result<Vec<_>, _>>().unwrap().join("; ")
}

#[test]
fn no_frequent_query_scans_or_sorts() {
    let next_due = read::next_due_sql();
    let queries = [
        (
            "claiming",
            claim::DUE,
            "SEARCH run USING INDEX run_due (alone=? AND due_at<?)",
        ),
        ("freeing", deployments::HELD, "SEARCH run USING INDEX run_held"),
        (
            "admitting",
            pauses::WAITING,
            "SEARCH run USING INDEX run_waiting (waiting_for=?)",
        ),
        ("orphans", read::ORPHANS, "USING INDEX run_running"),
        ("next due", &next_due, "SEARCH run USING INDEX run_due (alone=?)"),
    ];
    for (what, sql, index) in queries {
        let plan = plan(sql);
        assert!(plan.contains(index), "{what}: {plan}");
        if what != "orphans" {
            assert!(
                !plan.contains("SCAN run") && !plan.contains("TEMP B-TREE"),
                "{what}: {plan}"
            );
        }
    }
}
