//! The examples of docs/contract.md, by the heading they stand under.

use serde_json::Value;

use super::files::in_docs;

/// The JSON values of all blocks below a heading such as "## `sms/send`".
pub fn below(heading: &str) -> Vec<Value> {
    let path = in_docs("contract.md");
    let contract = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (_, section) =
        contract.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let section = section.split("\n## ").next().unwrap_or_default();
    let blocks =
        section.split("```json").skip(1).filter_map(|rest| rest.split_once('\n')?.1.split_once("```"));
    let values: Vec<Value> = blocks
        .flat_map(|(block, _)| serde_json::Deserializer::from_str(block).into_iter::<Value>())
        .map(|value| value.unwrap_or_else(|e| panic!("{heading}: {e}")))
        .collect();
    assert!(!values.is_empty(), "{heading} has no example");
    values
}
