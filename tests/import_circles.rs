//! No two files of a crate import each other, directly or through others.
//!
//! The rule, for the files below src/ without tests:
//!
//! - A file imports another one when it names an item defined there: by `use`, or by a path such as
//!   `crate::topic::parse` or `topic::parse` in its code. Nested braces, aliases and globs count.
//! - Re-exports are resolved: a file that uses `crate::store::Store` imports the file that defines `Store`, not
//!   the `store/mod.rs` that re-exports it. `mod x;` is no import, nor is a `pub use` whose name the file does
//!   not use itself. So a `mod.rs` that only declares and re-exports is in no circle.
//! - A `mod.rs` that defines what its children import, and uses items of theirs, is in one: move what
//!   they share to a file of its own.
//! - A method called on a value is no import: `impl` blocks of one type may be in several files.
//!
//! The same holds for the scripts of the page, which say what they import by `import` and `export … from`.

mod graph;
mod reader;
mod scripts;

use graph::{Circle, Import, circles};
use reader::Crate;

use crate::harness::sources;

/// The crates the rule applies to, by their folders below crates/.
const CRATES: [&str; 4] = ["codec", "modem", "simulator", "bridge"];

#[test]
fn no_two_files_import_each_other() {
    for name in CRATES {
        let found = circles_of(name);
        let shown: Vec<String> = found.iter().map(Circle::to_string).collect();
        assert!(found.is_empty(), "crates/{name}/src:\n{}", shown.join("\n"));
    }
}

#[test]
fn no_two_scripts_of_the_page_import_each_other() {
    let folder = "crates/bridge/src/http/page/";
    let files = sources::all_below(folder, "js");
    let imports: Vec<Import> = files
        .iter()
        .flat_map(|file| scripts::imports(file.trim_start_matches(folder), &sources::read(file)))
        .collect();
    assert!(imports.len() > files.len(), "hardly any import was found: {imports:?}");
    let names: Vec<&str> = files.iter().map(|file| file.trim_start_matches(folder)).collect();
    for import in &imports {
        assert!(names.contains(&import.to.as_str()), "{folder}: there is no such script: {import:?}");
    }
    let found = circles(&imports);
    let shown: Vec<String> = found.iter().map(Circle::to_string).collect();
    assert!(found.is_empty(), "{folder}:\n{}", shown.join("\n"));
}

fn circles_of(name: &str) -> Vec<Circle> {
    let folder = format!("crates/{name}/src/");
    let files = sources::files_below(&folder);
    let has_library = files.iter().any(|file| *file == format!("{folder}lib.rs"));
    let imports = Crate::new(
        files
            .iter()
            // The program beside a library uses it as any other crate does.
            .filter(|file| !(has_library && **file == format!("{folder}main.rs")))
            .map(|file| (file.trim_start_matches(&folder).to_owned(), sources::read(file))),
    )
    .imports();
    assert!(imports.len() > files.len() / 2, "crates/{name}: hardly any import was found: {imports:?}");
    circles(&imports)
}

/// The imports of a made-up crate, as `from:line to`.
fn imports_of(files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned()));
    let shown = |import: &Import| format!("{}:{} {}", import.from, import.line, import.to);
    Crate::new(files).imports().iter().map(shown).collect()
}

#[test]
fn a_circle_made_up_of_two_files_is_found() {
    let files = [
        ("lib.rs", "mod a;\nmod b;"),
        ("a.rs", "use crate::b::B;\npub struct A(B);"),
        ("b.rs", "//! Text.\npub struct B;\nimpl B { fn a() -> super::a::A { loop {} } }"),
    ];
    let files = files.map(|(file, text)| (file.to_owned(), text.to_owned()));
    let found = circles(&Crate::new(files).imports());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].files, ["a.rs", "b.rs"]);
    assert!(
        found[0].to_string().contains("a.rs:1 imports b.rs\n    which b.rs:3 imports a.rs"),
        "{}",
        found[0]
    );
}

#[test]
fn a_use_is_read_with_braces_aliases_globs_and_self() {
    let text = "use crate::{\n    b::{self, B as Bee},\n    c::*,\n};\nuse std::fmt;\nfn f() { b::g(); }";
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", text),
        ("b.rs", "pub struct B; pub fn g() {}"),
        ("c.rs", ""),
    ];
    assert_eq!(imports_of(&files), ["a.rs:2 b.rs", "a.rs:3 c.rs", "a.rs:6 b.rs"]);
}

#[test]
fn a_re_export_leads_to_the_file_that_defines() {
    let files = [
        ("main.rs", "mod x; mod user; use x::Thing; fn main() { let _: Thing; }"),
        ("x/mod.rs", "mod part;\npub(crate) use part::Inner as Thing;"),
        ("x/part.rs", "pub(crate) struct Inner;"),
        ("user.rs", "fn f(_: crate::x::Thing) {}"),
    ];
    assert_eq!(imports_of(&files), ["main.rs:1 x/part.rs", "user.rs:1 x/part.rs"]);
}

#[test]
fn a_parent_that_only_passes_on_is_in_no_circle_and_one_that_defines_and_uses_is() {
    let child = ("x/child.rs", "use super::Shared;\npub struct Child(Shared);");
    let passes_on = ("x/mod.rs", "mod child;\npub struct Shared;\npub use child::Child;");
    assert_eq!(imports_of(&[("lib.rs", "mod x;"), passes_on, child]), ["x/child.rs:1 x/mod.rs"]);
    let uses = ("x/mod.rs", "mod child;\npub struct Shared;\npub use child::Child;\nfn f(_: Child) {}");
    assert_eq!(
        imports_of(&[("lib.rs", "mod x;"), uses, child]),
        ["x/child.rs:1 x/mod.rs", "x/mod.rs:3 x/child.rs"]
    );
}

#[test]
fn a_sibling_taken_from_the_parent_is_the_sibling() {
    let files = [
        ("lib.rs", "mod x;"),
        ("x/mod.rs", "mod a;\nmod b;\nuse a::A;\nfn f(_: A) {}"),
        ("x/a.rs", "pub struct A;"),
        ("x/b.rs", "use super::A;\nfn g(_: A) {}"),
    ];
    assert_eq!(imports_of(&files), ["x/b.rs:1 x/a.rs", "x/mod.rs:3 x/a.rs"]);
}

#[test]
fn tests_comments_and_other_crates_import_nothing() {
    let text = "/// See [`crate::b::B`].\nuse b::other::Crate;\nconst X: &str = \"crate::b::B\";\n\
                #[cfg(test)]\nmod tests { use crate::b::B; }\nmod inner { fn f() { super::g(); } }\nfn g() {}";
    let files = [("lib.rs", "mod a; mod b;"), ("a.rs", text), ("b.rs", "pub struct B;")];
    assert_eq!(imports_of(&files), Vec::<String>::new());
}
