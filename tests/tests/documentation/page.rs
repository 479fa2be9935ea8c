//! A page of the documentation.

use std::fs;

/// A page, by its name in `docs/`.
#[track_caller]
pub(crate) fn read(name: &str) -> String {
    fs::read_to_string(format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The blocks of a page that have this name.
#[track_caller]
pub(crate) fn blocks(page: &str, name: &str) -> Vec<String> {
    let fence = format!("\n```{name}\n");
    let blocks: Vec<String> =
        page.split(&fence).skip(1).map(|rest| rest.split_once("```").unwrap().0.to_owned()).collect();
    assert!(!blocks.is_empty(), "the page has no block {name}");
    blocks
}

/// The cells of the rows of all tables that have so many columns, without their headings.
pub(crate) fn rows<const COLUMNS: usize>(page: &str) -> Vec<[&str; COLUMNS]> {
    page.lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'))
        .filter_map(|line| line.split('|').map(str::trim).collect::<Vec<_>>().try_into().ok())
        .filter(|row: &[&str; COLUMNS]| row.iter().all(|cell| !cell.starts_with("---")))
        .collect()
}
