//! Every statement of the store finds its rows by an index, so that none slows down as tables grow.
//!
//! The statements are taken from the sources, so that a new one is judged the day it is written.

use super::*;

/// Tables that hold one row, or a handful.
const SMALL: [&str; 2] = ["depth", "fact"];

/// Every SQL text in the sources of the store, with its file. The tables and triggers of `schema.rs` are no queries.
fn statements() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut statements = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if !name.ends_with(".rs") || name == "schema.rs" {
            continue;
        }
        let source = std::fs::read_to_string(entry.path()).unwrap();
        // Our SQL contains no double quotes, so that every other piece between them is a literal.
        for literal in source.split('"') {
            if ["SELECT ", "UPDATE ", "DELETE "].iter().any(|verb| literal.starts_with(verb)) {
                statements.push((name.clone(), literal.to_owned()));
            }
        }
    }
    statements
}

/// The steps of the plan that read a growing table from end to end, or sort what was found.
fn slow_steps(connection: &Connection, sql: &str) -> Vec<String> {
    let mut explain = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap_or_else(|error| panic!("{error} in: {sql}"));
    let steps = explain.raw_query().mapped(|row| row.get::<_, String>("detail"));
    let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
    let is_small = |table: &str| SMALL.contains(&table);
    let is_slow = |step: &String| {
        let scanned = step.strip_prefix("SCAN ").map(|rest| rest.split(' ').next().unwrap_or(rest));
        scanned.is_some_and(|table| !is_small(table) && table != "CONSTANT") || step.contains("TEMP B-TREE")
    };
    steps.into_iter().filter(is_slow).collect()
}

#[tokio::test]
async fn no_statement_reads_a_growing_table_from_end_to_end() {
    let fixture = StoreFixture::new();
    let connection = fixture.connection();
    let statements = statements();
    assert!(statements.len() > 50, "only {} statements were found in the sources", statements.len());
    let slow: Vec<String> = statements
        .iter()
        .flat_map(|(file, sql)| {
            slow_steps(&connection, sql).into_iter().map(move |step| format!("{file}: {step}\n    {sql}"))
        })
        .collect();
    assert!(slow.is_empty(), "slow as the tables grow:\n{}", slow.join("\n"));
}

#[tokio::test]
async fn a_statement_without_an_index_is_found() {
    let fixture = StoreFixture::new();
    let connection = fixture.connection();
    assert_eq!(slow_steps(&connection, "SELECT 1 FROM message WHERE attempts = 3"), ["SCAN message"]);
    let sorted = slow_steps(&connection, "SELECT 1 FROM message WHERE recipient = ?1 ORDER BY attempts");
    assert_eq!(sorted, ["USE TEMP B-TREE FOR ORDER BY"]);
}
