#![allow(clippy::unwrap_used)]
use domain::Code;
use serde_json::json;

use super::*;

const VARIANTS: &[u8] = b"variants:\n- name: london\n- {name: madrid, is_default: true}\nattributes:\n- name: hours\n  values: {london: 9 to 18, madrid: 10 to 20, gone: x}\n- {name: seats, kind: number, values: {london: 40}}\n";
const HANDOFFS: &[u8] = b"handoffs:\n- name: billing\n  description: Weekdays\n  is_default: true\n  sip_config: {method: refer, phone_number: '+15550100000'}\n  sip_headers:\n  - {key: X-Reason, value: billing}\n- {name: end, sip_config: {method: bye}}\n";
const TEMPLATES: &[u8] = b"sms_templates:\n- name: ticket\n  text: 'Ticket {{vrbl:ticket}}'\n  env_phone_numbers: {sandbox: '', pre_release: '+1', live: '+2'}\n";
const TRANSLATIONS: &[u8] =
    b"translations:\n- name: bye\n  translations: {en-GB: Goodbye, fr-FR: Au revoir}\n";
const ENTITIES: &[u8] =
    b"entities:\n- {name: born, entity_type: date, config: {relative_date: false}}\n- {name: who, entity_type: name_config}\n";

fn parse(files: &[(&str, &'static [u8])]) -> Result<ConversationDefaults, ProjectError> {
    let config = ProjectConfig {
        account_id: Some("acme".to_owned()),
        ..ProjectConfig::default()
    };
    let find = |name: &str| {
        files
            .iter()
            .find(|(file, _)| *file == name)
            .map(|(_, text)| *text)
    };
    ConversationDefaults::parse(&config, find)
}

#[test]
fn the_files_of_the_adk_become_members_of_a_conversation() {
    let read = parse(&[
        (VARIANTS_FILE, VARIANTS),
        (HANDOFFS_FILE, HANDOFFS),
        (SMS_TEMPLATES_FILE, TEMPLATES),
        (TRANSLATIONS_FILE, TRANSLATIONS),
        (ENTITIES_FILE, ENTITIES),
    ]);
    let expected = json!({
        "account_id": "acme",
        "variant": "madrid",
        "variants": {"london": {"hours": "9 to 18", "seats": "40"}, "madrid": {"hours": "10 to 20"}},
        "handoffs": {
            "billing": {
                "sip_type": "refer",
                "sip_config": {"method": "refer", "phone_number": "+15550100000"},
                "sip_headers": {"X-Reason": "billing"},
            },
            "end": {"sip_type": "bye", "sip_config": {"method": "bye"}, "sip_headers": {}},
        },
        "sms_templates": {
            "ticket": {
                "content": "Ticket {{vrbl:ticket}}", "phone_numbers": {"pre-release": "+1", "live": "+2"},
            },
        },
        "translations": {"bye": {"en-GB": "Goodbye", "fr-FR": "Au revoir"}},
        "entity_types": {"born": "date", "who": "name"},
    });
    assert_eq!(json!(read.unwrap()), expected);
}

#[test]
fn files_that_say_nothing_are_nothing() {
    let nothing: &[(&str, &[u8])] = &[
        (HANDOFFS_FILE, b""),
        (SMS_TEMPLATES_FILE, b"sms_templates:\n"),
        (VARIANTS_FILE, b"{}"),
    ];
    assert_eq!(json!(parse(nothing).unwrap()), json!({"account_id": "acme"}));
    let folder = tempfile::tempdir().unwrap();
    assert!(ConversationDefaults::of_folder(folder.path()).unwrap().is_empty());
}

#[test]
fn what_cannot_be_read_is_told_with_file_line_and_key() {
    let told = |file, text| parse(&[(file, text)]).unwrap_err();
    let broken = told(HANDOFFS_FILE, b"handoffs:\n- name: a\n  sip_config: [\n");
    assert_eq!(
        (broken.code, broken.file.as_deref()),
        (Code::BadProjectConfig, Some(HANDOFFS_FILE))
    );
    assert!(broken.line.is_some(), "{broken}");
    let number: &[u8] = b"sms_templates:\n- name: a\n  env_phone_numbers:\n    live: [+15550100000]\n";
    let number = told(SMS_TEMPLATES_FILE, number);
    assert_eq!(number.line, Some(4), "{number}");
    assert_eq!(
        number.key.as_deref(),
        Some("sms_templates[0].env_phone_numbers.live")
    );
    let twice = told(
        ENTITIES_FILE,
        b"entities: [{name: a, entity_type: date}, {name: a, entity_type: time}]",
    );
    assert_eq!(
        (twice.line, twice.key.as_deref()),
        (Some(1), Some("entities[1].name"))
    );
    assert_eq!(told(TRANSLATIONS_FILE, b"translations: {}").line, Some(1));
}

#[test]
fn what_stands_for_an_example_can_be_read() {
    for (file, example) in [
        (VARIANTS_FILE, VariantsFile::EXAMPLE),
        (HANDOFFS_FILE, HandoffsFile::EXAMPLE),
        (SMS_TEMPLATES_FILE, SmsTemplatesFile::EXAMPLE),
        (TRANSLATIONS_FILE, TranslationsFile::EXAMPLE),
        (ENTITIES_FILE, EntitiesFile::EXAMPLE),
    ] {
        let read = parse(&[(file, example.as_bytes())]).unwrap();
        assert!(json!(read).as_object().unwrap().len() > 1, "{file}: {read:?}");
    }
}
