//! Circles in a graph of imports. Pure: knows neither Rust nor files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// One file uses an item of another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub from: String,
    /// Counted from 1, in `from`.
    pub line: usize,
    pub to: String,
}

/// Files each of which imports all others, directly or through others.
#[derive(Debug, PartialEq, Eq)]
pub struct Circle {
    pub files: Vec<String>,
    /// Shortest ways from a file back to itself; together they pass all files.
    pub chains: Vec<Vec<Import>>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} files import each other: {}", self.files.len(), self.files.join(", "))?;
        for chain in &self.chains {
            for (n, import) in chain.iter().enumerate() {
                let lead = if n == 0 { "  " } else { "    which" };
                writeln!(f, "{lead} {}:{} imports {}", import.from, import.line, import.to)?;
            }
        }
        Ok(())
    }
}

/// Every circle of more than one file: the strongly connected components of the graph.
pub fn circles(imports: &[Import]) -> Vec<Circle> {
    let mut by_file: BTreeMap<&str, Vec<&Import>> = BTreeMap::new();
    for import in imports {
        by_file.entry(&import.from).or_default().push(import);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        by_file.keys().map(|file| (*file, reached_from(file, &by_file))).collect();
    let mut found = Vec::new();
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    for (file, reach) in &reached {
        if placed.contains(file) {
            continue;
        }
        let back = |other: &&&str| reached.get(**other).is_some_and(|reach| reach.contains(file));
        let members: Vec<&str> = reach.iter().filter(back).copied().collect();
        if members.len() < 2 {
            continue;
        }
        placed.extend(&members);
        found.push(Circle {
            chains: chains(&members, &by_file),
            files: members.into_iter().map(str::to_owned).collect(),
        });
    }
    found
}

fn reached_from<'a>(start: &str, by_file: &BTreeMap<&str, Vec<&'a Import>>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![start];
    while let Some(file) = next.pop() {
        for import in by_file.get(file).into_iter().flatten() {
            if reached.insert(import.to.as_str()) {
                next.push(&import.to);
            }
        }
    }
    reached
}

fn chains(members: &[&str], by_file: &BTreeMap<&str, Vec<&Import>>) -> Vec<Vec<Import>> {
    let mut chains: Vec<Vec<Import>> = Vec::new();
    for member in members {
        if !chains.iter().flatten().any(|import| import.from == *member) {
            chains.extend(shortest_way_back(member, by_file));
        }
    }
    chains
}

fn shortest_way_back(start: &str, by_file: &BTreeMap<&str, Vec<&Import>>) -> Option<Vec<Import>> {
    let mut seen = BTreeSet::new();
    let mut open: VecDeque<Vec<&Import>> = VecDeque::from([vec![]]);
    while let Some(way) = open.pop_front() {
        let file = way.last().map_or(start, |import| import.to.as_str());
        for import in by_file.get(file).into_iter().flatten() {
            let longer: Vec<&Import> = way.iter().copied().chain([*import]).collect();
            if import.to == start {
                return Some(longer.into_iter().cloned().collect());
            }
            if seen.insert(import.to.as_str()) {
                open.push_back(longer);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a>b` on line 1, `b>c` on line 2, and so on.
    fn graph(edges: &[&str]) -> Vec<Import> {
        let import = |(n, edge): (usize, &&str)| {
            let (from, to) = edge.split_once('>').expect("an edge");
            Import { from: from.into(), line: n + 1, to: to.into() }
        };
        edges.iter().enumerate().map(import).collect()
    }

    fn files(edges: &[&str]) -> Vec<Vec<String>> {
        circles(&graph(edges)).into_iter().map(|circle| circle.files).collect()
    }

    #[test]
    fn imports_that_only_go_down_are_no_circle() {
        assert_eq!(files(&["a>b", "a>c", "b>d", "c>d"]), Vec::<Vec<String>>::new());
        assert_eq!(files(&["a>a"]), Vec::<Vec<String>>::new(), "a file may use itself");
    }

    #[test]
    fn a_circle_through_others_is_found_and_who_only_looks_in_is_not_part_of_it() {
        assert_eq!(
            files(&["a>b", "b>c", "c>b", "c>d", "e>f", "f>g", "g>e"]),
            [vec!["b".to_owned(), "c".to_owned()], vec!["e".to_owned(), "f".to_owned(), "g".to_owned()],]
        );
    }

    #[test]
    fn a_circle_is_shown_with_the_line_of_each_import() {
        let shown: Vec<String> =
            circles(&graph(&["a>b", "b>c", "c>a", "a>d"])).iter().map(Circle::to_string).collect();
        let expected = "3 files import each other: a, b, c\n   a:1 imports b\n    which b:2 imports c\n    which c:3 imports a\n";
        assert_eq!(shown, [expected]);
    }

    #[test]
    fn chains_pass_every_file_of_two_circles_that_share_one() {
        let found = circles(&graph(&["a>b", "b>a", "b>c", "c>b"]));
        assert_eq!(found.len(), 1);
        let passed: BTreeSet<&str> =
            found[0].chains.iter().flatten().map(|import| import.from.as_str()).collect();
        assert_eq!(passed.into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
