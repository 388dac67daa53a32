//! What a project's own files say of all its conversations, in the ADK's `config/*.yaml`: `conv` shows it where a
//! conversation's document is silent.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ConfigFile, ProjectConfig, misfit, read};
use crate::error::ProjectError;
use crate::package::CONFIG_FILE;

const HANDOFFS_FILE: &str = "config/handoffs.yaml";
const SMS_TEMPLATES_FILE: &str = "config/sms_templates.yaml";
const VARIANTS_FILE: &str = "config/variant_attributes.yaml";
const TRANSLATIONS_FILE: &str = "config/translations.yaml";
const ENTITIES_FILE: &str = "config/entities.yaml";
/// The ADK's own word for what `conv` calls `name`.
const NAME_ENTITY: &str = "name_config";

/// What holds of a project's conversations unless they say otherwise. As JSON it has the members of a conversation
/// document, but for `phone_numbers` (by environment) and `entity_types`.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ConversationDefaults {
    /// `conv.account_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// `conv.project_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// `conv.variant_name`: the variant that is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Each variant's attributes, as texts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variants: BTreeMap<String, BTreeMap<String, Option<String>>>,
    /// Destinations by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub handoffs: BTreeMap<String, HandoffDefault>,
    /// Templates by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sms_templates: BTreeMap<String, SmsTemplateDefault>,
    /// Texts by name and language.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<String, BTreeMap<String, Option<String>>>,
    /// What kind of value each entity is that a call may collect.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub entity_types: BTreeMap<String, String>,
}

/// How a destination is reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HandoffDefault {
    /// `invite`, `refer` or `bye`.
    pub sip_type: String,
    /// The method's settings, the method among them.
    pub sip_config: BTreeMap<String, Value>,
    /// By name.
    pub sip_headers: BTreeMap<String, String>,
}

/// A text message's template.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SmsTemplateDefault {
    /// With placeholders.
    pub content: String,
    /// Senders by environment (`pre-release`).
    pub phone_numbers: BTreeMap<String, String>,
}

impl ConversationDefaults {
    /// Reads them; `text` gives a file of the project, by its path there.
    ///
    /// # Errors
    /// `AC0211` with file, line and key for what is not as the ADK writes it. Keys that are not known are left alone.
    pub fn parse<'a>(
        config: &ProjectConfig,
        text: impl Fn(&str) -> Option<&'a [u8]>,
    ) -> Result<Self, ProjectError> {
        let mut made = Self {
            account_id: config.account_id.clone(),
            project_id: config.project_id.clone(),
            ..Self::default()
        };
        if let Some(text) = text(VARIANTS_FILE) {
            made.take_variants(read(VARIANTS_FILE, text)?, text)?;
        }
        if let Some(text) = text(HANDOFFS_FILE) {
            let file: HandoffsFile = read(HANDOFFS_FILE, text)?;
            made.handoffs = by_name((HANDOFFS_FILE, text), "handoffs", file.handoffs, Handoff::named)?;
        }
        if let Some(text) = text(SMS_TEMPLATES_FILE) {
            let file: SmsTemplatesFile = read(SMS_TEMPLATES_FILE, text)?;
            made.sms_templates = by_name(
                (SMS_TEMPLATES_FILE, text),
                "sms_templates",
                file.sms_templates,
                SmsTemplate::named,
            )?;
        }
        if let Some(text) = text(TRANSLATIONS_FILE) {
            let file: TranslationsFile = read(TRANSLATIONS_FILE, text)?;
            let named = |one: Translation| (one.name, one.translations.unwrap_or_default());
            made.translations = by_name(
                (TRANSLATIONS_FILE, text),
                "translations",
                file.translations,
                named,
            )?;
        }
        if let Some(text) = text(ENTITIES_FILE) {
            let file: EntitiesFile = read(ENTITIES_FILE, text)?;
            let named = |one: Entity| match &*one.entity_type {
                NAME_ENTITY => (one.name, "name".to_owned()),
                _ => (one.name, one.entity_type),
            };
            made.entity_types = by_name((ENTITIES_FILE, text), "entities", file.entities, named)?;
        }
        Ok(made)
    }

    /// Reads them from a project's unpacked folder.
    ///
    /// # Errors
    /// What the system says, and `InvalidData` for what [`Self::parse`] refuses.
    pub fn of_folder(folder: &Path) -> io::Result<Self> {
        let invalid = |error: ProjectError| io::Error::new(io::ErrorKind::InvalidData, error);
        let mut files = BTreeMap::new();
        for name in [
            CONFIG_FILE,
            HANDOFFS_FILE,
            SMS_TEMPLATES_FILE,
            VARIANTS_FILE,
            TRANSLATIONS_FILE,
            ENTITIES_FILE,
        ] {
            match std::fs::read(folder.join(name)) {
                Ok(text) => drop(files.insert(name, text)),
                // A `config` that is a file is none of the ADK's.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) => {}
                Err(error) => return Err(error),
            }
        }
        let config = match files.get(CONFIG_FILE) {
            Some(text) => ProjectConfig::parse(CONFIG_FILE, text).map_err(invalid)?,
            None => ProjectConfig::default(),
        };
        Self::parse(&config, |name| files.get(name).map(Vec::as_slice)).map_err(invalid)
    }

    /// Whether the project says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn take_variants(&mut self, file: VariantsFile, text: &[u8]) -> Result<(), ProjectError> {
        let variants = file.variants.unwrap_or_default();
        self.variant = variants
            .iter()
            .find(|variant| variant.is_default)
            .map(|variant| variant.name.clone());
        let named = |variant: Variant| (variant.name, BTreeMap::new());
        self.variants = by_name((VARIANTS_FILE, text), "variants", Some(variants), named)?;
        let named = |attribute: Attribute| (attribute.name, attribute.values.unwrap_or_default());
        for (attribute, values) in by_name((VARIANTS_FILE, text), "attributes", file.attributes, named)? {
            for (variant, value) in values {
                // A value of a variant that is gone is the vendor's to tell.
                if let Some(attributes) = self.variants.get_mut(&variant) {
                    attributes.insert(attribute.clone(), text_of(value));
                }
            }
        }
        Ok(())
    }
}

/// A list's records by their names, each of which stands there once.
fn by_name<Record, Kept>(
    (file, text): (&str, &[u8]),
    list: &str,
    records: Option<Vec<Record>>,
    named: impl Fn(Record) -> (String, Kept),
) -> Result<BTreeMap<String, Kept>, ProjectError> {
    let mut seen = BTreeSet::new();
    let named = records.unwrap_or_default().into_iter().map(named);
    let mut kept = BTreeMap::new();
    for (at, (name, record)) in named.enumerate() {
        if !seen.insert(name.clone()) {
            let message = format!("{name:?} is there twice");
            let key = format!("{list}[{at}].name");
            return Err(misfit(
                file,
                text,
                key,
                message,
                "give one of them another name".to_owned(),
            ));
        }
        kept.insert(name, record);
    }
    Ok(kept)
}

/// An attribute as `conv.variant` shows it: a text, whatever kind the vendor knows it to be.
fn text_of(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

#[derive(Default, Deserialize)]
struct VariantsFile {
    variants: Option<Vec<Variant>>,
    attributes: Option<Vec<Attribute>>,
}

impl ConfigFile for VariantsFile {
    const EXAMPLE: &'static str = "variants: [{name: london, is_default: true}]";
}

#[derive(Deserialize)]
struct Variant {
    name: String,
    #[serde(default)]
    is_default: bool,
}

#[derive(Deserialize)]
struct Attribute {
    name: String,
    values: Option<BTreeMap<String, Value>>,
}

#[derive(Default, Deserialize)]
struct HandoffsFile {
    handoffs: Option<Vec<Handoff>>,
}

impl ConfigFile for HandoffsFile {
    const EXAMPLE: &'static str = "handoffs: [{name: billing, sip_config: {method: refer}}]";
}

#[derive(Deserialize)]
struct Handoff {
    name: String,
    sip_config: Option<BTreeMap<String, Value>>,
    sip_headers: Option<Vec<SipHeader>>,
}

#[derive(Deserialize)]
struct SipHeader {
    key: String,
    value: String,
}

impl Handoff {
    fn named(self) -> (String, HandoffDefault) {
        let sip_config = self.sip_config.unwrap_or_default();
        let method = sip_config.get("method").and_then(Value::as_str);
        let headers = self.sip_headers.unwrap_or_default().into_iter();
        let made = HandoffDefault {
            sip_type: method.unwrap_or_default().to_owned(),
            sip_headers: headers.map(|header| (header.key, header.value)).collect(),
            sip_config,
        };
        (self.name, made)
    }
}

#[derive(Default, Deserialize)]
struct SmsTemplatesFile {
    sms_templates: Option<Vec<SmsTemplate>>,
}

impl ConfigFile for SmsTemplatesFile {
    const EXAMPLE: &'static str = "sms_templates: [{name: ticket, text: Your ticket is ready}]";
}

#[derive(Deserialize)]
struct SmsTemplate {
    name: String,
    text: Option<String>,
    env_phone_numbers: Option<BTreeMap<String, Option<String>>>,
}

impl SmsTemplate {
    fn named(self) -> (String, SmsTemplateDefault) {
        let numbers = self.env_phone_numbers.unwrap_or_default().into_iter();
        let made = SmsTemplateDefault {
            content: self.text.unwrap_or_default(),
            // Files write `pre_release`, `conv.env` is `pre-release`.
            phone_numbers: numbers
                .filter_map(|(environment, number)| {
                    Some((
                        environment.replace('_', "-"),
                        number.filter(|number| !number.is_empty())?,
                    ))
                })
                .collect(),
        };
        (self.name, made)
    }
}

#[derive(Default, Deserialize)]
struct TranslationsFile {
    translations: Option<Vec<Translation>>,
}

impl ConfigFile for TranslationsFile {
    const EXAMPLE: &'static str = "translations: [{name: bye, translations: {en-GB: Goodbye}}]";
}

#[derive(Deserialize)]
struct Translation {
    name: String,
    translations: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Default, Deserialize)]
struct EntitiesFile {
    entities: Option<Vec<Entity>>,
}

impl ConfigFile for EntitiesFile {
    const EXAMPLE: &'static str = "entities: [{name: born, entity_type: date}]";
}

#[derive(Deserialize)]
struct Entity {
    name: String,
    entity_type: String,
}

#[cfg(test)]
mod tests;
