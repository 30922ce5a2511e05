//! `docs/values.md` is what the catalogue says.

use givtcp::catalogue::values_page;

use crate::docs;

#[test]
fn the_page_of_values_is_the_catalogues() {
    docs::is_current("values.md", &values_page(), "values");
}
