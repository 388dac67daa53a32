/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The conversation's id.
    Id,
    /// A text.
    Text,
    /// A text of at most [`super::MAX_NUMBER_BYTES`].
    Number,
    /// One of these words, the last of them other spellings.
    Word(&'static [&'static str]),
    /// A time in RFC 3339.
    Moment,
    /// What was said.
    Turns,
    /// Metrics written during the conversation.
    Metrics,
    /// Variables, in their wire form.
    State,
    /// An object.
    Object,
    /// An object whose members are objects.
    Objects,
    /// An object whose members are texts.
    Texts,
    /// An array of texts.
    TextList,
    /// An array of objects.
    ObjectList,
    /// A text (a URL), or an object with a text `url`.
    Link,
    /// Any JSON.
    Any,
}

/// A field that the document may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// What it holds. `null` is the same as leaving the field out.
    pub shape: Shape,
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

/// Every field that is known. Any other is kept as it is.
pub const FIELDS: &[Field] = &[
    field("id", Shape::Id),
    field(
        "environment",
        Shape::Word(&["sandbox", "pre-release", "live", "pre_release"]),
    ),
    field("project", Shape::Text),
    field("account_id", Shape::Text),
    field("project_id", Shape::Text),
    field("platform", Shape::Text),
    field("channel", Shape::Text),
    field("direction", Shape::Word(&["inbound", "outbound"])),
    field("started_at", Shape::Moment),
    field("ended_at", Shape::Moment),
    field("ended_reason", Shape::Text),
    field("caller_number", Shape::Number),
    field("callee_number", Shape::Number),
    field("sip_headers", Shape::Texts),
    field("language", Shape::Text),
    field("timezone", Shape::Text),
    field("turns", Shape::Turns),
    field("metrics", Shape::Metrics),
    field("state", Shape::State),
    field("entities", Shape::Objects),
    field("current_flow", Shape::Text),
    field("current_step", Shape::Text),
    field("variant", Shape::Text),
    field("variants", Shape::Objects),
    field("handoff", Shape::Object),
    field("handoffs", Shape::Objects),
    field("sms_templates", Shape::Objects),
    field("sms_received", Shape::ObjectList),
    field("recording", Shape::Link),
    field("memory", Shape::Object),
    field("context_vault", Shape::Object),
    field("integration_attributes", Shape::Object),
    field("real_time_config", Shape::Object),
    field("translations", Shape::Objects),
    field("generic_external_events", Shape::ObjectList),
    field("agentic_dial", Shape::Object),
    field("transcript_alternatives", Shape::TextList),
    field("provider_voice_id", Shape::Text),
    field("voice_change", Shape::Any),
];

impl Field {
    /// The known field of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.name == name)
    }
}
