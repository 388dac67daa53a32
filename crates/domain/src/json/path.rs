use std::fmt;

/// The way to a value inside a document, kept on the stack while walking down: it costs nothing until it is shown.
/// Shown, it is a JSON pointer (RFC 6901): `/turns/3/role`, and empty for the document itself.
#[derive(Debug, Clone, Copy)]
pub enum Path<'a> {
    /// The document itself.
    Root,
    /// A member of an object.
    Key(&'a Path<'a>, &'a str),
    /// An item of an array, from 0.
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(parent, key) => {
                parent.fmt(f)?;
                write_key(f, key)
            }
            Self::Index(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

/// One step of a path that is put together from its far end, as an error finds its way up.
#[derive(Debug)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// The JSON pointer of steps that stand innermost first.
pub(super) fn pointer_from_innermost(steps: &[Step]) -> String {
    struct Steps<'a>(&'a [Step]);
    impl fmt::Display for Steps<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.iter().rev().try_for_each(|step| match step {
                Step::Key(key) => write_key(f, key),
                Step::Index(index) => write!(f, "/{index}"),
            })
        }
    }
    Steps(steps).to_string()
}

fn write_key(f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
    f.write_str("/")?;
    for piece in key.split_inclusive(['~', '/']) {
        match piece.as_bytes().last() {
            Some(b'~') => write!(f, "{}~0", &piece[..piece.len() - 1])?,
            Some(b'/') => write!(f, "{}~1", &piece[..piece.len() - 1])?,
            _ => f.write_str(piece)?,
        }
    }
    Ok(())
}
