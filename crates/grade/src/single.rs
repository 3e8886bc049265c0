//! One submission, for a platform that starts the grader itself.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::reports;
use crate::results::Results;

/// Writes what the platform reads; without one, the message to the student goes to stdout.
///
/// # Errors
/// A file cannot be written.
pub fn write(
    results: &Results,
    gradescope: Option<&Path>,
    classroom50: Option<&Path>,
) -> Result<(), String> {
    let Some(submission) = results.submissions.first() else {
        return Err("there is no result".to_owned());
    };
    if let Some(file) = gradescope {
        write_file(file, &reports::gradescope::result(results, submission).to_string())?;
    }
    if let Some(file) = classroom50 {
        let context = reports::classroom50::Classroom50::from_environment();
        let value = reports::classroom50::result(results, submission, &context);
        write_file(file, &value.to_string())?;
    }
    if gradescope.is_none() && classroom50.is_none() {
        let message = reports::message::message(results, submission);
        write!(anstream::stdout(), "{message}")
            .map_err(|error| format!("print: {error}"))?;
    }
    Ok(())
}

fn write_file(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("write {}: {error}", file.display()))
}
