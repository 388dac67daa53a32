use serde_json::Number;

use super::{Date, DateTime, DecimalText, IntegerText, Time, TimeDelta, ZoneKey};

/// A float that JSON cannot write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NonFinite {
    /// Not a number.
    Nan,
    /// Beyond every number.
    Infinity,
    /// Below every number.
    NegativeInfinity,
}

impl NonFinite {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nan => "nan",
            Self::Infinity => "inf",
            Self::NegativeInfinity => "-inf",
        }
    }

    pub(super) fn from_wire(text: &str) -> Option<Self> {
        [Self::Nan, Self::Infinity, Self::NegativeInfinity]
            .into_iter()
            .find(|one| one.as_str() == text)
    }
}

/// One value of `conv.state`, by its Python type. [`super::encode`] writes it the way it was read.
#[derive(Debug, Clone, PartialEq)]
pub enum StateValue {
    /// `None`.
    None,
    /// `bool`.
    Bool(bool),
    /// `int` or finite `float`, as JSON has them.
    Number(Number),
    /// `str`.
    Text(String),
    /// `list`.
    List(Vec<StateValue>),
    /// `dict` whose keys are all texts, none of them `$type`. In order.
    Dict(Vec<(String, StateValue)>),
    /// `dict` with any keys, as pairs. In order.
    Pairs(Vec<(StateValue, StateValue)>),
    /// `tuple`.
    Tuple(Vec<StateValue>),
    /// `set`.
    Set(Vec<StateValue>),
    /// `frozenset`.
    FrozenSet(Vec<StateValue>),
    /// `int` beyond what every JSON reader keeps.
    Integer(IntegerText),
    /// `float` that is not finite.
    NonFinite(NonFinite),
    /// `str` that UTF-8 cannot hold: UTF-16 code units, halves of surrogate pairs among them.
    Utf16(Vec<u16>),
    /// `bytes`.
    Bytes(Vec<u8>),
    /// `decimal.Decimal`.
    Decimal(DecimalText),
    /// `datetime.datetime`.
    DateTime(DateTime),
    /// `datetime.date`.
    Date(Date),
    /// `datetime.time`.
    Time(Time),
    /// `datetime.timedelta`.
    TimeDelta(TimeDelta),
    /// `zoneinfo.ZoneInfo`.
    Zone(ZoneKey),
    /// A member of an `enum.Enum`.
    Enum {
        /// Module and qualified name: `functions.orders.Size`.
        class: String,
        /// The member's name, `A|B` for a combination of flags.
        name: String,
    },
    /// An instance of a dataclass, a pydantic model or another known class.
    Object {
        /// Module and qualified name: `functions.orders.Order`.
        class: String,
        /// Attributes, in order.
        fields: Vec<(String, StateValue)>,
    },
}

impl StateValue {
    /// What Python calls the type when it can be neither a key nor a member of a set, mostly since it can change.
    pub(super) fn unhashable(&self) -> Option<&'static str> {
        match self {
            Self::List(_) => Some("list"),
            Self::Dict(_) | Self::Pairs(_) => Some("dict"),
            Self::Set(_) => Some("set"),
            Self::Tuple(items) => items.iter().find_map(Self::unhashable),
            Self::Decimal(number) if number.as_str().contains("sNaN") => Some("signalling NaN"),
            // Whether an object can be hashed only its class tells.
            _ => None,
        }
    }
}
