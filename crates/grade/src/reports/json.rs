//! `results.json`: the model itself. Its schema is `tests/schemas/results-v1.schema.json`.

use serde::Serialize;

use crate::results::Results;

/// The whole file.
///
/// # Errors
/// What could not be written as JSON.
pub fn results(results: &Results) -> Result<String, String> {
    pretty(results)
}

/// JSON for people and programs: indented, with a line feed at its end.
///
/// # Errors
/// What could not be written as JSON.
pub fn pretty(value: &impl Serialize) -> Result<String, String> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| format!("as JSON: {error}"))?;
    text.push('\n');
    Ok(text)
}
