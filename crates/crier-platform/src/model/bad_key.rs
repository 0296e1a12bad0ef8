//! Values of the configuration that make no sense beside each other: how that is said, the same in every section.

use std::fmt::Display;

/// A key of the configuration and what is wrong with its value.
pub type BadKey = (&'static str, String);

/// A value below the least at which the server can work.
///
/// # Errors
/// The key, and the least.
pub fn at_least<V: PartialOrd + Display>(key: &'static str, value: V, least: V) -> Result<(), BadKey> {
    if value < least {
        return Err((key, format!("must be at least {least}")));
    }
    Ok(())
}

/// A value above the most at which the server can keep its promises.
///
/// # Errors
/// The key, and the most.
pub fn at_most<V: PartialOrd + Display>(key: &'static str, value: V, most: V) -> Result<(), BadKey> {
    if value > most {
        return Err((key, format!("must be at most {most}")));
    }
    Ok(())
}

/// A value that another key's value makes unreachable or contradicts.
///
/// # Errors
/// The key, the other key, and the other's value.
pub fn at_most_other<V: PartialOrd + Display>(
    (key, value): (&'static str, V),
    (other, most): (&'static str, V),
) -> Result<(), BadKey> {
    if value > most {
        return Err((key, format!("must be at most {other}, which is {most}")));
    }
    Ok(())
}
