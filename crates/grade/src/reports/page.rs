//! x
use crate::results::Results;
/// x
pub fn page(_results: &Results) -> String {
    String::new()
}
