//! The steps of entering a child's confinement, and the exit status that tells which one failed.

/// Exit statuses of failed steps are this plus the step's number.
const EXIT_STATUS_BASE: i32 = 120;

/// A step between fork and user code, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// The child ends with its zygote, and the zygote is still there.
    Parent = 1,
    /// Signal mask and handlers to default; SIGPIPE and SIGXFSZ ignored, as Python has them.
    Signals = 2,
    /// `/dev/null`, output, output, channel become 0, 1, 2, 3.
    Descriptors = 3,
    /// Every other descriptor is closed.
    CloseRange = 4,
    /// Resource limits.
    Limits = 5,
    /// Its temporary folder, which becomes its working directory.
    Folder = 6,
    /// Its Landlock layer.
    Landlock = 7,
    /// Its seccomp filter.
    Filter = 8,
}

impl Step {
    const ALL: [Step; 8] = [
        Step::Parent,
        Step::Signals,
        Step::Descriptors,
        Step::CloseRange,
        Step::Limits,
        Step::Folder,
        Step::Landlock,
        Step::Filter,
    ];

    /// The status that a child exits with when this step fails: 121 to 128.
    pub const fn exit_status(self) -> i32 {
        EXIT_STATUS_BASE + self as i32
    }

    /// The step that failed, by a child's exit status. User code may exit with such a status too: only the line
    /// on the child's output tells them apart.
    pub fn from_exit_status(status: i32) -> Option<Step> {
        Step::ALL.into_iter().find(|step| step.exit_status() == status)
    }

    /// Its name, as the line on the child's output has it.
    pub const fn name(self) -> &'static str {
        match self {
            Step::Parent => "parent",
            Step::Signals => "signals",
            Step::Descriptors => "descriptors",
            Step::CloseRange => "close_range",
            Step::Limits => "limits",
            Step::Folder => "folder",
            Step::Landlock => "landlock",
            Step::Filter => "seccomp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_status_tells_its_step_and_no_other_status_does() {
        for step in Step::ALL {
            assert_eq!(Step::from_exit_status(step.exit_status()), Some(step));
        }
        for status in [0, 1, 120, 129] {
            assert_eq!(Step::from_exit_status(status), None);
        }
    }
}
