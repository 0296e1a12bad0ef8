//! An application's address list as it is written (protocol 11.3). Judges nothing: the pipeline does.

use super::AccountError;
use crate::model::app::AddressRule;

/// Entries of one list at most.
pub const ADDRESS_RULES_MAX: usize = 100;

/// Reads a comma-separated list of addresses, CIDR blocks and prefixes such as `10.1.2.*`; empty means all addresses.
///
/// # Errors
/// `Invalid`, naming the entry that is none of these, or saying that there are only commas.
pub fn read_allow_ip(text: &str) -> Result<Vec<AddressRule>, AccountError> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let rules = entries
        .map(|entry| AddressRule::parse(entry).map_err(|error| not_a_rule(entry, &error.to_string())))
        .collect::<Result<Vec<_>, _>>()?;
    // What was meant to name somebody must not let everybody in.
    if rules.is_empty() && !text.trim().is_empty() {
        return Err(AccountError::Invalid(
            "allow_ip: no address between the commas; leave it empty to let all addresses call".to_owned(),
        ));
    }
    if rules.len() > ADDRESS_RULES_MAX {
        return Err(AccountError::Invalid(format!(
            "allow_ip: at most {ADDRESS_RULES_MAX} entries"
        )));
    }
    Ok(rules)
}

/// The sentence about an entry, with the reader's own words.
fn not_a_rule(entry: &str, problem: &str) -> AccountError {
    AccountError::Invalid(format!("allow_ip: {entry:?}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_takes_blanks_round_its_commas_and_names_the_entry_that_fails() {
        assert_eq!(read_allow_ip("").unwrap().len(), 0);
        assert_eq!(read_allow_ip(" 10.0.0.1 , ::1,10.1.2.* ").unwrap().len(), 3);
        assert_eq!(read_allow_ip("10.0.0.1,").unwrap().len(), 1);
        for commas in [",", " , ", ",,"] {
            let error = read_allow_ip(commas).unwrap_err().to_string();
            assert!(error.contains("no address between the commas"), "{error}");
        }
        let error = read_allow_ip("10.0.0.1,nonsense").unwrap_err().to_string();
        assert!(error.contains("\"nonsense\""), "{error}");
    }

    #[test]
    fn a_list_of_101_entries_is_refused() {
        assert!(read_allow_ip(&["10.0.0.1"; 100].join(",")).is_ok());
        assert!(read_allow_ip(&["10.0.0.1"; 101].join(",")).is_err());
    }
}
