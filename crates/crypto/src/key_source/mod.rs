//! Where the master key comes from.

mod command;
mod file;
mod text;

use std::env::VarError;
use std::fmt;
use std::io;
use std::path::PathBuf;

use zeroize::Zeroizing;

pub use command::CommandProblem;
pub use text::KeyTextProblem;

use crate::secret::Secret;
use crate::{Entropy, EntropyError, MasterKey};

/// Where the master key is kept. All three hold the same text: 64 hex digits, or the base64 of 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file that only its owner can read. The only source that can be made here.
    File(PathBuf),
    /// An environment variable. It stays readable in the process's environment: children must not inherit it.
    Env(String),
    /// What a command writes to its standard output: a password manager's or a key service's client. It runs
    /// without a shell, may ask on the terminal, and has 2 minutes.
    Command {
        /// The program, looked for in `PATH` where it has no `/`.
        program: String,
        /// Its arguments.
        args: Vec<String>,
    },
}

/// The master key could not be had. No message holds any of its text.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file is not there.
    #[error("there is no key file {}: restore it, or give the key by environment or command; without it nothing in the data folder can be read", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A key file to be made is there already.
    #[error("the key file {} exists and is not overwritten: what was sealed with it would be lost", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others can read it.
    #[error("the key file {0} can be read by others (mode {mode:04o}): run `chmod 600 {0}`, and take it as known to whoever could read it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It belongs to another user, who can exchange it.
    #[error("the key file {} belongs to user {owner}, not to user {us} who runs this, nor to root: change its owner, or run as {owner}", path.display())]
    ForeignOwner {
        /// The file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// The number of the user who runs this.
        us: u32,
    },
    /// A folder, device or pipe.
    #[error("the key file {} is not a regular file: name one, or give the key by environment or command", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// Reading or writing it failed.
    #[error("the key file {} cannot be {action}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// "read" or "made".
        action: &'static str,
        /// Why.
        cause: io::Error,
    },
    /// The variable is not set.
    #[error("the environment variable {variable}, which should hold the master key, is not set")]
    Unset {
        /// The variable.
        variable: String,
    },
    /// The command gave no key.
    #[error("the command `{program}`, which should print the master key, {problem}")]
    Command {
        /// The program, without its arguments: they may hold secrets.
        program: String,
        /// What was wrong.
        problem: CommandProblem,
    },
    /// What the source holds is no key.
    #[error(
        "{origin} holds no key: {problem}. A key is 64 hex digits or the base64 of 32 random bytes: `openssl rand -base64 32` makes one"
    )]
    Text {
        /// Which source, in words.
        origin: String,
        /// What was wrong.
        problem: KeyTextProblem,
    },
    /// A key is to be made, but only files can be.
    #[error(
        "{origin} cannot be made here: make the key there (`openssl rand -base64 32`), or use a key file"
    )]
    CannotCreate {
        /// Which source, in words.
        origin: String,
    },
    /// There is no randomness to make a key of.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl KeySource {
    /// Fetches the key. Blocks: a file's read, or as long as the command takes.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(&self) -> Result<MasterKey, KeyError> {
        self.load_with(|variable| std::env::var(variable).map(Zeroizing::new))
    }

    fn load_with(
        &self,
        env: impl Fn(&str) -> Result<Zeroizing<String>, VarError>,
    ) -> Result<MasterKey, KeyError> {
        let text = match self {
            Self::File(path) => file::read(path)?,
            Self::Env(variable) => match env(variable) {
                Ok(text) => Zeroizing::new(text.as_bytes().to_vec()),
                Err(VarError::NotPresent) => {
                    return Err(KeyError::Unset {
                        variable: variable.clone(),
                    });
                }
                Err(VarError::NotUnicode(_)) => return Err(self.no_key(KeyTextProblem::Format)),
            },
            Self::Command { program, args } => {
                command::output(program, args, command::TIMEOUT).map_err(|problem| KeyError::Command {
                    program: program.clone(),
                    problem,
                })?
            }
        };
        let mut bytes = text::parse(&text).map_err(|problem| self.no_key(problem))?;
        Ok(MasterKey::from_bytes(&mut bytes))
    }

    /// Makes a new key and keeps it: a file of mode 0600, durable when this returns, whole or not there at
    /// all.
    ///
    /// # Errors
    /// [`KeyError::Exists`] where there is one; [`KeyError::CannotCreate`] for other sources than files.
    pub fn create(&self, entropy: &dyn Entropy) -> Result<MasterKey, KeyError> {
        let Self::File(path) = self else {
            return Err(KeyError::CannotCreate {
                origin: self.to_string(),
            });
        };
        let mut suffix = [0; 8];
        entropy.fill(&mut suffix)?;
        let secret = Secret::random(entropy)?;
        file::create(path, u64::from_be_bytes(suffix), text::write(&secret).as_bytes())?;
        Ok(MasterKey::from_bytes(&mut Zeroizing::new(*secret.bytes())))
    }

    /// [`Self::load`]; where it is a file that is not there, [`Self::create`]. Only for a *new* data folder:
    /// beside an old one, a missing key is an error, not a wish for another.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load_or_create(&self, entropy: &dyn Entropy) -> Result<MasterKey, KeyError> {
        match self.load() {
            Err(KeyError::Missing { .. }) => match self.create(entropy) {
                // Another process was first: its key is the one.
                Err(KeyError::Exists { .. }) => self.load(),
                made => made,
            },
            loaded => loaded,
        }
    }

    fn no_key(&self, problem: KeyTextProblem) -> KeyError {
        KeyError::Text {
            origin: self.to_string(),
            problem,
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the key file {}", path.display()),
            Self::Env(variable) => write!(f, "the environment variable {variable}"),
            Self::Command { program, .. } => write!(f, "the output of `{program}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_gives_a_key_or_says_which_variable_does_not() {
        let hex = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
        let env = |variable: &str| match variable {
            "KEY" => Ok(Zeroizing::new(hex.to_owned())),
            "SHORT" => Ok(Zeroizing::new("0011".to_owned())),
            _ => Err(VarError::NotPresent),
        };
        let load = |variable: &str| KeySource::Env(variable.into()).load_with(env);
        let mut bytes: [u8; 32] = std::array::from_fn(|i| (i % 16) as u8 * 0x11);
        assert_eq!(
            load("KEY").expect("a key").id(),
            MasterKey::from_bytes(&mut bytes).id()
        );
        assert!(matches!(load("NONE"), Err(KeyError::Unset { variable }) if variable == "NONE"));
        let error = load("SHORT").expect_err("too short").to_string();
        assert!(
            error.contains("SHORT") && error.contains("openssl rand"),
            "{error}"
        );
    }
}
