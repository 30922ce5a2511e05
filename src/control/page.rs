pub fn control_page() -> String { String::new() }
