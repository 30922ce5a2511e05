//! `docs/values.md` is what the catalogue says.

use givtcp::catalogue::values_page;

#[test]
fn the_page_of_values_is_the_catalogues() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/values.md");
    let page = values_page();
    if std::env::var_os("GIVTCP_BLESS").is_some() {
        std::fs::write(path, &page).expect("docs/values.md can be written");
    }
    let current = std::fs::read_to_string(path).unwrap_or_default();
    let differing = page.lines().zip(current.lines()).find(|(wants, has)| wants != has);
    assert!(
        page == current,
        "docs/values.md is not what the catalogue says, first here: {differing:?}; run GIVTCP_BLESS=1 cargo test --test it values"
    );
}
