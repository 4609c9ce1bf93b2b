//! An hour of a company over real HTTP.
fn main() {}
