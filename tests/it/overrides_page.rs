//! `docs/overrides.md` is what is planned.

use givtcp::overrides::override_page;

#[test]
fn the_page_of_overrides_is_what_is_planned() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/overrides.md");
    let page = override_page();
    if std::env::var_os("GIVTCP_BLESS").is_some() {
        std::fs::write(path, &page).expect("docs/overrides.md can be written");
    }
    let current = std::fs::read_to_string(path).unwrap_or_default();
    let differing = page.lines().zip(current.lines()).find(|(wants, has)| wants != has);
    assert!(
        page == current,
        "docs/overrides.md is not what is planned, first here: {differing:?}; run GIVTCP_BLESS=1 cargo test --test it overrides_page"
    );
}
