//! `docs/overrides.md` is what is planned.

use givtcp::overrides::override_page;

use crate::docs;

#[test]
fn the_page_of_overrides_is_what_is_planned() {
    docs::is_current("overrides.md", &override_page(), "overrides_page");
}
