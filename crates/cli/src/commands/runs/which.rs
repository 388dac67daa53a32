//! Which run is meant: its id, or the beginning of it.

use api::RunList;
use domain::{Code, RunId};
use uuid::Uuid;

use crate::client::{Client, query};
use crate::error::CliError;

/// Digits that a beginning has at least: with them it names the minute in which the run was accepted.
const MIN_DIGITS: usize = 8;
/// An id as it is written, with the highest digits.
const HIGHEST: &str = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/// The run's id. What is neither one nor the beginning of one that there is stays as it is: the server says what is wrong with it.
///
/// # Errors
/// `AC0705` if several ids begin so, and those of a request.
pub(super) async fn which(client: &Client, typed: &str) -> Result<String, Box<CliError>> {
    let Some(after) = just_after(typed) else {
        return Ok(typed.to_owned());
    };
    // Runs come in the order of their ids: those that begin so are the first ones below.
    let path = query(
        "/v1/runs",
        &[
            ("after", Some(after.to_string())),
            ("limit", Some("2".to_owned())),
        ],
    );
    let page: RunList = client.get(&path).await?;
    let begins_so = |id: &String| id.starts_with(&typed.to_ascii_lowercase());
    let found: Vec<_> = page
        .runs
        .iter()
        .map(|run| run.run_id.to_string())
        .filter(begins_so)
        .collect();
    match &found[..] {
        [] => Ok(typed.to_owned()),
        [only] => Ok(only.clone()),
        several => Err(CliError::usage(
            Code::BadRequest,
            format!("several runs have an id that begins with {typed}"),
            "give more of the id; `aftercall runs list` shows it",
        )
        .with_details(several.to_vec())),
    }
}

/// The id behind all that begin so; `None` if it is a whole id, or the beginning of none.
fn just_after(typed: &str) -> Option<RunId> {
    let fits = |(one, highest): (u8, u8)| match highest {
        b'-' => one == b'-',
        _ => one.is_ascii_hexdigit(),
    };
    let is_beginning =
        (MIN_DIGITS..HIGHEST.len()).contains(&typed.len()) && typed.bytes().zip(HIGHEST.bytes()).all(fits);
    if !is_beginning {
        return None;
    }
    let last = Uuid::try_parse(&format!("{typed}{}", &HIGHEST[typed.len()..])).ok()?;
    Some(RunId::from_uuid(Uuid::from_u128(last.as_u128().checked_add(1)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_ends_before_the_id_behind_it() {
        let after = |typed: &str| just_after(typed).map(|id| id.to_string());
        assert_eq!(
            after("01a213fd").as_deref(),
            Some("01a213fe-0000-0000-0000-000000000000")
        );
        assert_eq!(
            after("01A213FD-9c08-75db-ac00-02379e42537").as_deref(),
            Some("01a213fd-9c08-75db-ac00-02379e425380")
        );
        for other in [
            "01a213f",
            "01a213fd-9c08-75db-ac00-02379e42537a",
            "01a213fd9",
            "hello-world",
            "ffffffff",
        ] {
            assert_eq!(after(other), None, "{other}");
        }
    }
}
