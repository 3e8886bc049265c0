//! What goes wrong, told with the next command to type.

use std::fmt;
use std::io;

/// Why a command could not be carried out.
#[derive(Debug)]
pub struct Problem {
    message: String,
    status: u8,
}

impl Problem {
    /// The network or the system said no.
    pub fn failure(message: impl Into<String>) -> Problem {
        Problem { message: message.into(), status: 1 }
    }

    /// The command line was wrong.
    pub fn usage(message: impl Into<String>) -> Problem {
        Problem { message: message.into(), status: 2 }
    }

    /// The reader of our output has gone. Nobody is left to be told.
    fn unheard() -> Problem {
        Problem { message: String::new(), status: 1 }
    }

    /// The exit status that says so.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// The same with the command to type next.
    pub fn then(mut self, command: impl fmt::Display) -> Problem {
        self.message.push_str(&format!("\nnext: {command}"));
        self
    }

    /// Whether somebody is left to read it.
    pub fn is_to_be_told(&self) -> bool {
        !self.message.is_empty()
    }
}

/// A failed print.
impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Problem {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Problem::unheard();
        }
        Problem::failure(format!("print: {error}")).then("df .")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A command of this program, as it is typed.
pub fn course(arguments: &str) -> String {
    format!("cargo run -p course -- {arguments}").trim_end_matches([' ', '-']).to_owned()
}
