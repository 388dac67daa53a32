//! What an API key's secret promises to those who are given one.

#![allow(clippy::unwrap_used, reason = "a test")]

use crypto::testing::SeededEntropy;
use crypto::{ApiKeySecret, BadApiKey};
use proptest::prelude::*;

fn secret(seed: u64) -> ApiKeySecret {
    ApiKeySecret::generate(&SeededEntropy::new(seed)).unwrap()
}

proptest! {
    #[test]
    fn a_secret_is_read_back_and_known_by_its_hash(seed: u64) {
        let made = secret(seed);
        let read: ApiKeySecret = made.expose().parse().unwrap();
        prop_assert_eq!(read.hash(), made.hash());
        prop_assert!(read.matches(&made.hash()));
        prop_assert!(!read.matches(&secret(seed.wrapping_add(1)).hash()));
    }
}

#[test]
fn it_is_a_word_that_can_be_copied_with_a_double_click() {
    let text = secret(1).expose().to_owned();
    assert_eq!(text.len(), 52);
    assert!(
        text.starts_with("ac_") && text[3..].chars().all(|c| c.is_ascii_alphanumeric()),
        "{text}"
    );
}

#[test]
fn every_mistyped_or_swapped_character_is_found_without_asking_the_server() {
    let text = secret(2).expose().to_owned();
    for index in 3..text.len() {
        for other in ['0', 'Q', 'z'] {
            let mut typed: Vec<char> = text.chars().collect();
            if typed[index] != other {
                typed[index] = other;
                let typed: String = typed.iter().collect();
                assert_eq!(
                    typed.parse::<ApiKeySecret>().unwrap_err(),
                    BadApiKey::Checksum,
                    "at {index}"
                );
            }
        }
        let mut typed: Vec<char> = text.chars().collect();
        if index > 3 && typed[index] != typed[index - 1] {
            typed.swap(index, index - 1);
            let typed: String = typed.iter().collect();
            assert_eq!(
                typed.parse::<ApiKeySecret>().unwrap_err(),
                BadApiKey::Checksum,
                "at {index}"
            );
        }
    }
}

#[test]
fn what_cannot_be_one_is_told_why_and_never_quoted() {
    let text = secret(3).expose().to_owned();
    let refused = |text: &str| text.parse::<ApiKeySecret>().unwrap_err();
    assert_eq!(refused(""), BadApiKey::Prefix);
    assert_eq!(refused("sk_live_51"), BadApiKey::Prefix);
    assert_eq!(refused(&text[..51]), BadApiKey::Length { characters: 51 });
    assert_eq!(refused(&format!("{text}0")), BadApiKey::Length { characters: 53 });
    assert_eq!(
        refused(&format!("{}-{}", &text[..9], &text[10..])),
        BadApiKey::Character { position: 10 }
    );
    assert_eq!(
        refused(&format!("{}é{}", &text[..9], &text[11..])),
        BadApiKey::Character { position: 10 }
    );
    assert_eq!(
        refused(&format!("{text}\n")),
        BadApiKey::Character { position: 53 }
    );
    assert!(!format!("{:?}", secret(3)).contains(&text[3..9]));
}

#[test]
fn the_kept_hash_is_sha_256_of_the_text() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let secret = secret(4);
    let mut tool = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    tool.stdin
        .take()
        .unwrap()
        .write_all(secret.expose().as_bytes())
        .unwrap();
    let printed = String::from_utf8(tool.wait_with_output().unwrap().stdout).unwrap();
    let hex: String = secret.hash().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(printed.split(' ').next().unwrap(), hex);
}
