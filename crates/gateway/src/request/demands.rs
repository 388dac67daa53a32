//! What user code says of the connection that its request is to go over.

/// The way out is the operator's: each of these is done only where the operator's configuration has it, and refused otherwise, with
/// the lines that would allow it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Demands {
    /// Whom to believe.
    pub trust: Trust,
    /// The file of the client certificate to show, of whose path the last part counts.
    pub certificate: Option<String>,
    /// The proxy to go by, a URL. A user and password in it count for nothing: the operator's do.
    pub proxy: Option<String>,
}

/// Whom code believes to be the host that it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Who proves it by one of these authorities.
    Authorities {
        /// Whether the usual ones are among them: the operator's.
        usual: bool,
        /// Files of others, of whose paths the last part counts; [`Self::DATA`] for authorities that came from no file.
        bundles: Vec<String>,
    },
    /// Whoever answers.
    Anybody,
}

impl Trust {
    /// What a bundle is called that has no file.
    pub const DATA: &'static str = "cadata";
}

impl Default for Trust {
    fn default() -> Self {
        Self::Authorities {
            usual: true,
            bundles: Vec::new(),
        }
    }
}
