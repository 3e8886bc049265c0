//! Single keys: each comes at once, without Enter.
//!
//! A terminal collects a line before it hands it over, and shows it meanwhile (termios(3), canonical
//! mode). That is switched off here, and has to be switched on again however this program ends: when
//! it is done, and on Ctrl-C. (Nothing can be done about `kill -9`; the shell's `stty sane` can.)

use std::io::{self, ErrorKind, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};

/// The settings of the terminal as they were.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// As long as this value lives, keys come one by one.
pub struct SingleKeys;

impl SingleKeys {
    /// Has the terminal at our standard input hand over each key at once, without showing it. Ctrl-C
    /// stays what it is.
    ///
    /// # Errors
    /// The input is no terminal, or the terminal refuses.
    pub fn begin() -> io::Result<SingleKeys> {
        let before = tcgetattr(io::stdin())?;
        let mut settings = before.clone();
        settings.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        // A read returns as soon as there is one byte, and not before.
        settings.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        settings.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        *lock() = Some(before);
        tcsetattr(io::stdin(), SetArg::TCSANOW, &settings)?;
        Ok(SingleKeys)
    }
}

impl Drop for SingleKeys {
    fn drop(&mut self) {
        give_back();
    }
}

/// Puts the terminal back to what it was, if need be.
pub fn give_back() {
    if let Some(before) = lock().take() {
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &before);
    }
}

fn lock() -> MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads keys until Ctrl-D, or until none will follow. Letters are handed over as small ones, Enter
/// as `\n`.
pub fn read_keys(mut press: impl FnMut(char)) {
    /// What Ctrl-D is as a byte.
    const END_OF_TRANSMISSION: u8 = 4;
    /// What the keys with arrows, and the like, begin with. The rest of them comes along with it.
    const ESCAPE: u8 = 0x1b;

    let mut bytes = [0; 64];
    loop {
        let n = match io::stdin().read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => return,
            Ok(n) => n,
        };
        if bytes[0] == ESCAPE {
            continue;
        }
        for &byte in &bytes[..n] {
            if byte == END_OF_TRANSMISSION {
                return;
            }
            press(char::from(byte).to_ascii_lowercase());
        }
    }
}
