//! The form of a call to be tried: built from the tables of parameters, read back into pairs.

use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crier_proto::call::Verb;
use crier_proto::ids::Uid;
use crier_proto::params::{COMMON, MethodSpec, Param, SessionNeed, Shape};
use crier_proto::signature::Version;

/// Parameters that are filled in by the page itself.
const MADE_HERE: [&str; 9] = [
    "api_key",
    "method",
    "sig",
    "v",
    "session_key",
    "ss",
    "sig_version",
    "ts",
    "call_id",
];
/// Parameters whose values are texts of several lines.
const LONG: [&str; 5] = ["message", "title", "body", "caption", "method_feed"];
/// What stands before a parameter's name in the form's own.
const PREFIX: &str = "p_";
/// What stands before a test person's number in the form.
const TEST_PERSON: &str = "test-";

/// On whose behalf a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Without a session.
    Nobody,
    /// The developer, in a session for this call.
    OwnSession,
    /// The developer, in the session that was made last.
    LastSession,
    /// One of the developer's test people, in a session for this call.
    TestPerson(Uid),
}

impl Who {
    /// As the form says it.
    pub(super) fn word(self) -> String {
        match self {
            Self::Nobody => "nobody".to_owned(),
            Self::OwnSession => "own".to_owned(),
            Self::LastSession => "last".to_owned(),
            Self::TestPerson(person) => format!("{TEST_PERSON}{person}"),
        }
    }

    /// What the form says.
    fn read(word: &str) -> Option<Self> {
        match word {
            "nobody" => Some(Self::Nobody),
            "own" => Some(Self::OwnSession),
            "last" => Some(Self::LastSession),
            _ => word.strip_prefix(TEST_PERSON)?.parse().ok().map(Self::TestPerson),
        }
    }
}

/// Which parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// The method's own.
    Own,
    /// The common ones.
    Common,
}

/// A parameter in the form.
#[derive(Debug, Clone)]
pub(in crate::site) struct Input {
    /// Its name in the form.
    pub(in crate::site) field: String,
    pub(in crate::site) name: &'static str,
    pub(in crate::site) required: bool,
    pub(in crate::site) meaning: &'static str,
    pub(in crate::site) value: String,
    /// The values to choose from, if there are few.
    pub(in crate::site) choices: Vec<(&'static str, bool)>,
    /// Several lines.
    pub(in crate::site) long: bool,
}

/// A form as it was filled in.
#[derive(Debug, Clone)]
pub(super) struct Filled {
    pub(super) who: Who,
    pub(super) version: Version,
    pub(super) verb: Verb,
    pub(super) ss: bool,
    pub(super) file: String,
    /// Further pairs, `name=value`, one a line.
    pub(super) further: String,
    /// Values that are not empty.
    values: Vec<(&'static str, String)>,
}

impl Filled {
    /// An empty form; `who` is on whose behalf the one before it was, if there was one.
    pub(super) fn fresh(method: &MethodSpec, who: Option<&str>) -> Self {
        let usual = match method.session {
            SessionNeed::Required => Who::OwnSession,
            SessionNeed::Optional | SessionNeed::None => Who::Nobody,
        };
        let kept = who.and_then(Who::read);
        let possible = |who: &Who| *who != Who::Nobody || method.session != SessionNeed::Required;
        Self {
            who: kept.filter(possible).unwrap_or(usual),
            version: Version::Md5,
            verb: Verb::Post,
            ss: false,
            file: "picture".to_owned(),
            further: String::new(),
            values: Vec::new(),
        }
    }

    /// As it was sent.
    ///
    /// # Errors
    /// A choice that the form does not offer.
    pub(super) fn of(method: &MethodSpec, fields: &Fields) -> Result<Self, SiteError> {
        let chosen = |name: &str| fields.value(name).unwrap_or_default();
        let odd = || SiteError::bad_request("Choose one of what the form offers.");
        let values = parameters(method).filter_map(|param| {
            let value = fields.value(&format!("{PREFIX}{}", param.name))?;
            Some((param.name, value.to_owned()))
        });
        Ok(Self {
            who: Who::read(chosen("who")).ok_or_else(odd)?,
            version: match chosen("version") {
                "1" => Version::Md5,
                "2" => Version::Hmac,
                _ => return Err(odd()),
            },
            verb: match chosen("verb") {
                "POST" => Verb::Post,
                "GET" => Verb::Get,
                _ => return Err(odd()),
            },
            ss: chosen("ss") == "on",
            file: chosen("file").to_owned(),
            further: chosen("further").to_owned(),
            values: values.collect(),
        })
    }

    fn value(&self, name: &str) -> &str {
        let found = self.values.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// The method's own parameters, then the common ones that are not made here.
fn parameters(method: &MethodSpec) -> impl Iterator<Item = &'static Param> {
    let common = COMMON.iter().filter(|param| is_asked(param.name));
    method.params.iter().chain(common)
}

/// `call_id` may be given all the same: without a value it is made here.
fn is_asked(name: &str) -> bool {
    name == "call_id" || !MADE_HERE.contains(&name)
}

/// The inputs of one part of the form.
pub(super) fn inputs(section: Section, method: &'static MethodSpec, filled: &Filled) -> Vec<Input> {
    let own = |param: &Param| method.param(param.name).is_some();
    let wanted = parameters(method).filter(|param| own(param) == (section == Section::Own));
    wanted
        .map(|param| {
            let value = filled.value(param.name);
            let words: &[&'static str] = match param.shape {
                Shape::Bool => &["1", "0"],
                Shape::Words(words) => words,
                Shape::Format => &["xml", "json"],
                _ => &[],
            };
            Input {
                field: format!("{PREFIX}{}", param.name),
                name: param.name,
                required: param.required,
                meaning: param.meaning,
                value: value.to_owned(),
                choices: words.iter().map(|word| (*word, *word == value)).collect(),
                long: LONG.contains(&param.name),
            }
        })
        .collect()
}

/// The pairs that were filled in, the further ones behind the others; an empty input is not sent.
pub(super) fn pairs_of(filled: &Filled) -> Vec<(String, String)> {
    let values = filled.values.iter();
    let values = values.map(|(name, value)| ((*name).to_owned(), value.clone()));
    let lines = filled.further.lines().filter(|line| !line.is_empty());
    let further = lines.map(|line| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        (name.to_owned(), value.to_owned())
    });
    values.chain(further).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crier_proto::params::METHODS;

    #[test]
    fn every_parameter_of_every_method_is_asked_once_or_made_here() {
        for method in METHODS {
            let filled = Filled::fresh(method, None);
            let asked: Vec<&str> = [Section::Own, Section::Common]
                .into_iter()
                .flat_map(|section| inputs(section, method, &filled))
                .map(|input| input.name)
                .collect();
            for param in method.params.iter().chain(COMMON) {
                let times = asked.iter().filter(|name| **name == param.name).count();
                assert_eq!(
                    times,
                    usize::from(is_asked(param.name)),
                    "{} {}",
                    method.name,
                    param.name
                );
            }
        }
    }

    #[test]
    fn what_is_filled_in_becomes_pairs_and_an_empty_input_none() {
        let method = &METHODS[0];
        let sent = b"who=own&version=2&verb=GET&p_message=a%0d%0ab&p_ttl=&p_nonsense=1&further=x=1%0d%0ay%0d%0a%0d%0az=a=b";
        let filled = Filled::of(method, &Fields::read_texts(sent, 64).unwrap()).unwrap();
        let pairs = pairs_of(&filled);
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(pairs, [("message", "a\nb"), ("x", "1"), ("y", ""), ("z", "a=b")]);
        assert_eq!((filled.version, filled.verb), (Version::Hmac, Verb::Get));
        for odd in ["ada", "test-", "test-0", "test-x", ""] {
            let sent = format!("who={odd}&version=1&verb=GET");
            assert!(
                Filled::of(method, &Fields::read_texts(sent.as_bytes(), 64).unwrap()).is_err(),
                "{odd}"
            );
        }
    }

    #[test]
    fn on_whose_behalf_is_said_and_read_alike_and_goes_on_where_a_method_permits_it() {
        let person = Who::TestPerson(Uid::new(7).unwrap());
        for who in [Who::Nobody, Who::OwnSession, Who::LastSession, person] {
            assert_eq!(Who::read(&who.word()), Some(who));
        }
        let needs = |need| METHODS.iter().find(|method| method.session == need).unwrap();
        let who = |need, before| Filled::fresh(needs(need), before).who;
        assert_eq!(who(SessionNeed::Required, Some("test-7")), person);
        assert_eq!(who(SessionNeed::Required, Some("nobody")), Who::OwnSession);
        assert_eq!(who(SessionNeed::None, Some("nonsense")), Who::Nobody);
    }
}
