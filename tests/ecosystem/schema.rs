//! docs/schema/ as the tools of others read it: a parser of AsyncAPI, another validator, generators of types.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::contract;
use crate::harness::documents::{self, Document};
use crate::harness::installed::installed;
use crate::harness::process::code;
use crate::harness::rig::Rig;
use crate::harness::sources::root;

/// A folder with docs/ and the tools.
struct Workshop {
    folder: TempDir,
    tools: PathBuf,
}

impl Workshop {
    fn open() -> Workshop {
        installed("schema/installed");
        let tools = installed("schema");
        let folder = TempDir::with_prefix("smsbridge-schema-").expect("a temporary folder");
        let link = |target: PathBuf, name: &str| symlink(target, folder.path().join(name)).expect("a link");
        link(root().join("docs"), "docs");
        link(tools.join("node_modules"), "node_modules");
        Workshop { folder, tools }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap_or_else(|e| panic!("{name}: {e}"));
    }

    /// Runs a command of a shell here; its exit code and all it says.
    fn run(&self, line: &str) -> (i32, String) {
        let bins = [self.tools.join("python/bin"), self.tools.join("node_modules/.bin")];
        let bins = bins.map(|bin| bin.display().to_string()).join(":");
        let path = std::env::var("PATH").expect("PATH");
        let mut command = Command::new("bash");
        command.args(["-c", line]).current_dir(&self.folder).env("PATH", format!("{bins}:{path}"));
        let output = command.output().unwrap_or_else(|e| panic!("{line}: {e}"));
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        (code(output.status), said.concat())
    }

    fn succeeds(&self, line: &str) -> String {
        let (code, said) = self.run(line);
        assert_eq!(code, 0, "{line}: {said}");
        said
    }

    /// Runs the block of docs/schema/README.md that calls this program; what it would install is there.
    fn run_documented(&self, program: &str) {
        let readme = documents::all().into_iter().find(|document| document.name == "docs/schema/README.md");
        let blocks = readme.as_ref().map(Document::blocks).expect("docs/schema/README.md");
        let block = blocks.iter().find(|block| block.text.contains(program));
        let block = block.unwrap_or_else(|| panic!("docs/schema/README.md has no command {program}"));
        self.succeeds(&format!("set -e; pip() {{ :; }}; npm() {{ :; }}\n{}", block.text));
    }
}

/// Messages as the gateway publishes them, with the name of their schema.
fn messages() -> Vec<(String, Value)> {
    let rig = Rig::start();
    rig.assert_still_works("seen");
    rig.request(&json!({ "id": "nobody", "to": "nobody at all", "text": "x" }));
    rig.client.wait_for_result("nobody", "rejected");
    let published = rig.published("").into_iter().map(|crossing| crossing.publish);
    let with_schema = published.filter_map(|publish| {
        let schema = contract::schema_of(&publish.topic)?;
        // What is no JSON are the words of availability.
        let text = String::from_utf8_lossy(&publish.payload).into_owned();
        Some((schema.to_owned(), serde_json::from_str(&text).unwrap_or(Value::from(text))))
    });
    let messages: Vec<_> = with_schema.collect();
    for schema in ["received", "result", "modem", "gateway", "availability"] {
        assert!(messages.iter().any(|(name, _)| name == schema), "no message of {schema}");
    }
    messages
}

const PARSE: &str = r#"
import { Parser, fromFile } from "@asyncapi/parser";
const { document, diagnostics } = await fromFile(new Parser(), process.argv[2]).parse();
// 0 is an error, 1 a warning; that there is a newer AsyncAPI is neither.
const faults = diagnostics.filter((d) => d.severity < 2);
for (const fault of faults) console.log(fault.path.join("."), fault.message);
if (document) console.log(document.operations().all().length, "operations");
process.exit(faults.length > 0 || !document ? 1 : 0);
"#;

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn the_parser_of_asyncapi_finds_nothing_wrong() {
    let shop = Workshop::open();
    shop.write("parse.mjs", PARSE);
    let said = shop.succeeds("node parse.mjs docs/schema/asyncapi.yaml");
    let count = said.split_whitespace().next().and_then(|count| count.parse::<u32>().ok());
    assert!(count >= Some(14), "{said}");
    let text = fs::read_to_string(root().join("docs/schema/asyncapi.yaml")).expect("asyncapi.yaml");
    for (right, wrong) in
        [("action: send", "action: shout"), ("./result.schema.json", "./results.schema.json")]
    {
        for entry in fs::read_dir(root().join("docs/schema")).expect("docs/schema") {
            let file = entry.expect("a file");
            fs::copy(file.path(), shop.path(&file.file_name().to_string_lossy())).expect("a copy");
        }
        shop.write("wrong.yaml", text.replacen(right, wrong, 1));
        let (code, said) = shop.run("node parse.mjs wrong.yaml");
        assert_eq!(code, 1, "{wrong} was taken: {said}");
    }
}

const VALIDATE: &str = r#"
import { readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
const ajv = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true });
addFormats(ajv);
const schemas = new Map();
for (const file of process.argv.slice(2)) {
  const name = file.replace(/.*\//, "").replace(".schema.json", "");
  schemas.set(name, ajv.compile(JSON.parse(readFileSync(file))));
}
let faults = 0;
for (const [schema, message] of JSON.parse(readFileSync("messages.json"))) {
  const validate = schemas.get(schema);
  if (!validate(message)) {
    faults += 1;
    console.log(schema, JSON.stringify(message), ajv.errorsText(validate.errors));
  }
}
process.exit(faults);
"#;

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn another_validator_takes_the_schemas_and_the_messages_of_a_gateway() {
    let shop = Workshop::open();
    shop.write("validate.mjs", VALIDATE);
    let messages = messages();
    shop.write("messages.json", json!(messages).to_string());
    shop.succeeds("node validate.mjs docs/schema/*.schema.json");
    let wrong = json!([["result", { "id": "a1" }], ["send", { "to": "+491", "text": "x", "body": "y" }]]);
    shop.write("messages.json", wrong.to_string());
    let (code, said) = shop.run("node validate.mjs docs/schema/*.schema.json");
    assert_eq!(code, 2, "{said}");
}

const PROGRAM_TS: &str = r#"
import type { SendResult } from "./types/result.schema.js";
import type { SendRequest } from "./types/send.schema.js";
import type { Received } from "./types/received.schema.js";
export const request: SendRequest = { to: ["+4915112345678"], text: "Hello", FIELD: 60 };
export const isOver = (result: SendResult): boolean => result.final && result.state === "STATE";
export const why = (result: SendResult): string => result.error?.code ?? "";
export const sender = (message: Received): unknown => ("from" in message ? message.from : message.error);
"#;

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn types_for_typescript_hold_what_a_program_does_with_messages() {
    let shop = Workshop::open();
    shop.run_documented("npx json2ts");
    for (field, state, code) in [("ttl_s", "sent", 0), ("ttl", "sent", 1), ("ttl_s", "gone", 1)] {
        shop.write("program.ts", PROGRAM_TS.replace("FIELD", field).replace("STATE", state));
        let (found, said) = shop.run("tsc --noEmit --strict --module nodenext --target es2022 program.ts");
        assert_eq!(found.min(1), code, "{field}, {state}: {said}");
    }
}

const PROGRAM_PY: &str = r#"
import json
from sms_gateway import GatewayState
from sms_modem import ModemState
from sms_received import Received
from sms_result import SendResult
from sms_send import SendRequest

classes = {"received": Received, "result": SendResult, "modem": ModemState, "gateway": GatewayState}
for schema, message in json.load(open("messages.json")):
    if schema != "availability":
        classes[schema].model_validate(message)

request = SendRequest(to="+4915112345678", text="Hello").model_dump_json(exclude_none=True)
assert json.loads(request) == {"to": "+4915112345678", "text": "Hello"}, request
for make in [lambda: SendRequest(to="+491", text="x", ttl=60), lambda: SendResult.model_validate({"id": "a1"})]:
    try:
        make()
    except ValueError:
        continue
    raise SystemExit("what the schema does not allow was taken")
"#;

#[test]
#[ignore = "tests/run ecosystem installs what it needs"]
fn models_for_python_read_the_messages_of_a_gateway() {
    let shop = Workshop::open();
    shop.run_documented("datamodel-codegen");
    shop.write("messages.json", json!(messages()).to_string());
    shop.write("program.py", PROGRAM_PY);
    shop.succeeds("python program.py");
}
