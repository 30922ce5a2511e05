//! The command line.
fn main() {
    let path = std::env::args().nth(2).unwrap_or_default();
    let text = std::fs::read_to_string(path).unwrap_or_default();
    println!("{}", givtcp::decode::decode(&text).unwrap_or_default());
}
