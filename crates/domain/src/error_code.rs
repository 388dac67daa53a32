//! Every error that a person can meet, in one table: it makes the CLI's text, the `type` of problem documents and the
//! pages under `docs/errors`. A code once given is never given to something else.
//!
//! Ranges: 01 conversations and accepting · 02 projects and deployments · 03 attempts and runs · 04 effects ·
//! 05 confinement · 06 store and keys · 07 the HTTP API · 08 the command line · 09 faults of ours.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::BadId;

macro_rules! codes {
    ($($variant:ident = $code:literal, $title:literal;)*) => {
        /// An error's code; see the module for the ranges.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// All of them, in order of number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it is written: `AC0301`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What happened, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What the page says: Markdown.
            #[must_use]
            pub const fn page_text(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("../../../docs/errors/", $code, ".md")),)*
                }
            }
        }

        impl FromStr for Code {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                match text {
                    $($code => Ok(Self::$variant),)*
                    _ => Err(BadId { expected: "an error code (AC0101 and the like)", found: text.to_owned() }),
                }
            }
        }
    };
}

codes! {
    NotJson = "AC0101", "the body is not JSON";
    BadConversation = "AC0102", "the conversation does not follow its schema";
    ConversationConflict = "AC0103", "this conversation was accepted before with other content";
    TooLarge = "AC0104", "the body is larger than allowed";
    QueueFull = "AC0105", "the queue is at its limit";
    StoreReadOnly = "AC0106", "the disk is full, nothing new is accepted for now";
    UnknownProject = "AC0107", "there is no such project";
    Draining = "AC0108", "the server is stopping";
    Busy = "AC0109", "as much is being taken in as may be at once";
    BodyStalled = "AC0110", "the body did not come in time";

    NoEndFunctionFile = "AC0201", "the project has no functions/end_function.py";
    BadEndFunction = "AC0202", "end_function is missing or cannot be called with conv";
    ImportFailed = "AC0203", "the project could not be imported";
    SyntaxError = "AC0204", "a file of the project is not valid Python";
    HttpAtImport = "AC0205", "the project makes an HTTP request while it is imported";
    NeedsNewerPython = "AC0206", "the project needs a newer Python";
    ImportTimedOut = "AC0207", "importing the project did not end in time";
    BadArchive = "AC0208", "the project's archive cannot be used";
    ProjectTooLarge = "AC0209", "the project is larger than allowed";
    UnknownDeployment = "AC0210", "there is no such deployment";
    BadProjectConfig = "AC0211", "a configuration file of the project is not valid";
    NoInterpreter = "AC0212", "no usable Python interpreter";
    NoSuchFolder = "AC0213", "there is no project at this path";
    RequirementsUnmet = "AC0214", "the project's requirements cannot be met";
    NoWheel = "AC0215", "a package has no wheel for this machine";
    InstallerFailed = "AC0216", "the project's packages could not be installed";
    PackageChanged = "AC0217", "a package is not the one that was locked";
    BadRequirement = "AC0218", "a line of requirements.txt is not allowed";
    ModuleLevelClock = "AC0250", "clock or randomness is read while the project is imported";
    UnknownConvAttribute = "AC0251", "conv has no such attribute";
    UnknownModule = "AC0252", "an import leads nowhere";
    UndefinedName = "AC0253", "a name is not defined";
    BadConvCall = "AC0254", "a call does not fit conv's method";
    UnknownFunction = "AC0255", "conv.functions has no such function";
    RefusedAtRunTime = "AC0256", "a call is refused when the function runs";
    WritesOutside = "AC0257", "a file is written outside the run's folder";
    TooLateForThat = "AC0258", "a call has no effect after the conversation";
    OpenedAtImport = "AC0259", "a file or socket is opened while the project is imported";

    FunctionRaised = "AC0301", "end_function raised an exception";
    DeadlineExceeded = "AC0302", "end_function was still running at its deadline and was ended";
    ExitedWithoutResult = "AC0303", "the process exited before end_function returned";
    KilledBySignal = "AC0304", "the process was killed by a signal";
    OutOfMemory = "AC0305", "end_function ran out of memory";
    RecursionTooDeep = "AC0306", "end_function recursed too deeply";
    ProtocolViolated = "AC0307", "the process closed its channel, or wrote something unreadable to it";
    OutputFlooded = "AC0308", "end_function flooded its output";
    CpuLimitExceeded = "AC0309", "end_function used up its CPU time";
    ZygoteDied = "AC0310", "the process that the attempt was forked from died";
    CouldNotStart = "AC0311", "the attempt's process could not be started";
    ImportFailedInChild = "AC0312", "the project could not be imported in the attempt's process";
    StateNotRebuilt = "AC0313", "the conversation's state could not be rebuilt";
    ResultTooLarge = "AC0314", "what end_function left behind is larger than allowed";
    Quarantined = "AC0315", "the run was set aside: the supervisor ended each time that it ran";
    AgeLimit = "AC0316", "the run is older than its age limit";
    AttemptsUsedUp = "AC0317", "all attempts failed";
    SwallowedFailure = "AC0318", "end_function returned although something it asked for had failed";
    TmpFolderFull = "AC0319", "end_function filled its temporary folder";

    EffectRefused = "AC0401", "a request of end_function is not allowed to leave";
    RequestTooLarge = "AC0402", "a request of end_function is larger than allowed";
    RequestMalformed = "AC0403", "a request of end_function is not one that can be sent";
    EffectsLimit = "AC0404", "a run asked for more requests than are recorded of one run";
    NothingToDecide = "AC0405", "there is nothing to decide";
    WhichEffect = "AC0406", "the decision may be about several effects";
    DecidedOtherwise = "AC0407", "it was decided otherwise before";

    ConfinementMissing = "AC0501", "this host cannot confine code as required";
    CanaryEscaped = "AC0502", "a trial escape from the confinement succeeded";

    DataFolderInUse = "AC0601", "another process uses the data folder";
    WrongMasterKey = "AC0602", "the data folder was sealed with another key";
    StoreTooNew = "AC0603", "the data folder was written by a newer version";
    StoreFailed = "AC0604", "the store failed";
    BadMasterKey = "AC0605", "the master key cannot be used";
    StoreTorn = "AC0606", "the data folder's two databases do not belong together";
    ConversationErased = "AC0607", "the conversation was erased";

    NoApiKey = "AC0701", "the request carries no API key";
    BadApiKey = "AC0702", "the API key is not valid";
    ScopeMissing = "AC0703", "the API key may not do this";
    NotFound = "AC0704", "there is no such thing";
    BadRequest = "AC0705", "the request is not valid";
    NotAllowedNow = "AC0706", "this cannot be done in the state that the run is in";

    ServerUnreachable = "AC0801", "the server cannot be reached";
    BadInputFile = "AC0802", "the file cannot be read";
    BadConfiguration = "AC0803", "the configuration is not valid";
    AlreadyExists = "AC0804", "there is something already";
    NotUnderstood = "AC0805", "what was typed is not understood";

    Internal = "AC0901", "a fault of Aftercall itself";
    RuntimeFailed = "AC0902", "a fault of Aftercall in the attempt's process";
}

impl Code {
    /// Whether it tells of the machine, or of us, that an attempt could not be begun: none of the project's code ran, and that it
    /// did not is nothing of the run's.
    #[must_use]
    pub const fn is_fault_of_surroundings(self) -> bool {
        matches!(
            self,
            Self::CouldNotStart
                | Self::UnknownDeployment
                | Self::NoInterpreter
                | Self::ConfinementMissing
                | Self::CanaryEscaped
        )
    }

    /// The page that tells more, relative to the documentation's root; a server has it at the same path.
    #[must_use]
    pub fn page(self) -> String {
        format!("docs/errors/{}.md", self.as_str())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn every_code_reads_back_and_none_is_given_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert!(seen.insert(code.as_str()), "{code} twice");
        }
    }
}
