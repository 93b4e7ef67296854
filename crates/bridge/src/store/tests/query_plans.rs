//! Every statement of the store finds its rows by an index, so that none slows down as tables grow.
//!
//! The statements are taken from the sources, so that a new one is judged the day it is written.

use super::*;

/// Tables that hold one row, or a handful.
const SMALL: [&str; 3] = ["depth", "fact", "pin_attempt"];

/// Indices without which a statement reads more rows, but not all: parked rows, requests that are no replies, and
/// what other modems sent.
const SELECTIVE: [&str; 3] = ["outbox_pending", "request_reply", "submission_modem"];

/// Indices of just the rows that are wanted: reading one from end to end reads nothing else.
const WANTED: [&str; 2] = ["outbox_broken", "outbox_parked"];

/// Every SQL text in the sources of the store, with its file. The tables and triggers of `schema.rs` are no queries.
pub(super) fn statements() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut statements = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if !name.ends_with(".rs") || name == "schema.rs" {
            continue;
        }
        let source = std::fs::read_to_string(entry.path()).unwrap();
        // Our SQL contains no double quotes, so that every other piece between them is a literal.
        for literal in source.split('"').map(str::trim_start) {
            if ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "]
                .iter()
                .any(|verb| literal.starts_with(verb))
            {
                statements.push((name.clone(), literal.to_owned()));
            }
        }
    }
    statements
}

/// Whether a statement only reads, and that for a person, beside the gateway: it keeps nobody waiting.
fn is_for_people((file, sql): &(String, String)) -> bool {
    ["browse.rs", "forget.rs", "life.rs"].contains(&file.as_str()) && sql.starts_with("SELECT")
}

/// The steps by which SQLite carries out a statement, its foreign keys and triggers included.
fn plan(connection: &Connection, sql: &str) -> Result<Vec<String>, rusqlite::Error> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    explain.raw_query().mapped(|row| row.get("detail")).collect()
}

/// The steps that read a growing table from end to end, or sort what was found; an error where there is no plan.
fn slow_steps(connection: &Connection, sql: &str) -> Vec<String> {
    let is_slow = |step: &String| {
        let scanned = step.strip_prefix("SCAN ").map(|rest| rest.split(' ').next().unwrap_or(rest));
        let is_wanted = WANTED.iter().any(|index| step.ends_with(&format!("INDEX {index}")));
        scanned.is_some_and(|table| !SMALL.contains(&table) && table != "CONSTANT" && !is_wanted)
            || step.contains("TEMP B-TREE")
    };
    match plan(connection, sql) {
        Ok(steps) => steps.into_iter().filter(is_slow).collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// All slow steps, each with its file and statement.
fn all_slow_steps(connection: &Connection, statements: &[(String, String)]) -> Vec<String> {
    let slow = |statement: &(String, String)| -> Vec<String> {
        let (file, sql) = statement;
        if is_for_people(statement) {
            return Vec::new();
        }
        let steps = slow_steps(connection, sql);
        steps.into_iter().map(|step| format!("{file}: {step}\n    {sql}")).collect()
    };
    statements.iter().flat_map(slow).collect()
}

/// The indices the schema makes, without those of its keys: their names, and how they are made.
fn indices(connection: &Connection) -> Vec<(String, String)> {
    let sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";
    let mut select = connection.prepare(sql).unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn no_statement_reads_a_growing_table_from_end_to_end() {
    let fixture = StoreFixture::new();
    let connection = fixture.connection();
    let statements = statements();
    assert!(statements.len() > 65, "only {} statements were found in the sources", statements.len());
    let slow = all_slow_steps(&connection, &statements);
    assert!(slow.is_empty(), "slow as the tables grow:\n{}", slow.join("\n"));
}

#[tokio::test]
async fn without_any_one_of_the_indices_a_statement_is_slow() {
    let fixture = StoreFixture::new();
    let connection = fixture.connection();
    let statements = statements();
    let is_chosen = |index: &str| {
        statements
            .iter()
            .any(|(_, sql)| plan(&connection, sql).unwrap().iter().any(|step| step.contains(index)))
    };
    let is_needed = |(index, create): &(String, String)| {
        connection.execute_batch(&format!("DROP INDEX {index}")).unwrap();
        let slow = all_slow_steps(&connection, &statements);
        connection.execute_batch(create).unwrap();
        !slow.is_empty() || SELECTIVE.contains(&index.as_str()) && is_chosen(index)
    };
    let mut useless = indices(&connection);
    useless.retain(|index| !is_needed(index));
    assert!(useless.is_empty(), "no statement needs these indices: {useless:?}");
}

#[tokio::test]
async fn a_statement_without_an_index_is_found() {
    let fixture = StoreFixture::new();
    let connection = fixture.connection();
    assert_eq!(slow_steps(&connection, "SELECT 1 FROM message WHERE attempts = 3"), ["SCAN message"]);
    let sorted = slow_steps(&connection, "SELECT 1 FROM message WHERE request_id = ?1 ORDER BY attempts");
    assert_eq!(sorted, ["USE TEMP B-TREE FOR ORDER BY"]);
}

#[tokio::test]
async fn what_a_modem_has_sent_is_counted_in_an_index_alone() {
    let fixture = StoreFixture::new();
    let statements = statements();
    let (_, sql) = statements.iter().find(|(_, sql)| sql.contains("count(*) FROM submission")).unwrap();
    let steps = plan(&fixture.connection(), sql).unwrap();
    assert!(steps[0].contains("COVERING INDEX submission_modem"), "{steps:?}");
}
