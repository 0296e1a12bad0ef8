//! `/developers/<app_id>/settings`: what an application may be told to do, in forms that each save one part (protocol 17).

use super::asked_fields::{Asked, ProfileSays};
use super::head::AppHead;
use super::owned::OwnedApp;
use super::secrets::{SecretPage, Which};
use super::setting_words::{PARTS, Part, word_meaning};
use crate::site::door::{Answer, render, see_other};
use crate::site::error::SiteError;
use crate::site::fields::Fields;
use crate::site::layout::Chrome;
use crate::site::moment::{Moment, zone};
use askama::Template;
use crier_platform::accounts::developer::{FormFault, app_settings, profile_settings, words_of};
use crier_platform::model::app::App;
use http::StatusCode;

#[derive(Template)]
#[template(path = "console/settings.html")]
pub(in crate::site) struct SettingsPage<'a> {
    pub(in crate::site) chrome: Chrome<'a>,
    pub(in crate::site) head: &'a AppHead,
    pub(in crate::site) form_token: &'a str,
    /// Name, what it is for, and whether it is the present one.
    pub(in crate::site) profiles: Vec<(&'static str, &'static str, bool)>,
    pub(in crate::site) parts: Vec<AskedPart>,
    /// Calls in 60 s, as the operator has set it.
    pub(in crate::site) quota: String,
    /// The receiver that wanted no more receipts, and when it said so.
    pub(in crate::site) ended: Option<(String, Moment)>,
    /// Which part was just saved, or empty.
    pub(in crate::site) saved: &'a str,
    /// How many values could not be taken.
    pub(in crate::site) wrong: usize,
}

/// A part of the settings with its fields.
pub(in crate::site) struct AskedPart {
    pub(in crate::site) name: &'static str,
    pub(in crate::site) heading: &'static str,
    pub(in crate::site) lead: &'static str,
    pub(in crate::site) fields: Vec<Asked>,
}

/// A form that was not taken: the part it was of, what was in it, and what was wrong.
struct Refused<'a> {
    part: &'a str,
    fields: &'a Fields,
    wrong: Vec<(String, String)>,
}

pub(crate) async fn get(owned: OwnedApp) -> Answer {
    show(&owned, None).await
}

/// Saves one part, or shows it again with what is wrong beside each field.
pub(crate) async fn post(owned: OwnedApp, fields: Fields) -> Answer {
    let part = fields.value("part").unwrap_or_default();
    let settings = settings_of(part, &fields)?;
    let accounts = &owned.visit.state.accounts;
    match accounts
        .change_own_app((owned.app.owner, owned.app.id), &settings)
        .await
    {
        Ok(changed) => match changed.receipt_secret {
            Some(secret) => SecretPage::show(&owned, &Which::FirstReceipt, &secret),
            None => see_other(&owned.href(&format!("/settings?saved={part}#{part}"))),
        },
        Err(FormFault::Other(error)) => Err(error.into()),
        Err(FormFault::Values(wrong)) => {
            let fields = &fields;
            show(&owned, Some(Refused { part, fields, wrong })).await
        }
    }
}

/// The settings that a form of this part holds.
fn settings_of(part: &str, fields: &Fields) -> Result<Vec<(String, String)>, SiteError> {
    let keys = match part {
        "profile" => &["profile"],
        _ => {
            PARTS
                .iter()
                .find(|known| known.name == part)
                .ok_or(SiteError::NotFound)?
                .keys
        }
    };
    let sent = keys.iter().filter(|key| fields.has(key));
    let value = |key: &&str| {
        (
            (*key).to_owned(),
            fields.value(key).unwrap_or_default().trim().to_owned(),
        )
    };
    Ok(sent.map(value).collect())
}

async fn show(owned: &OwnedApp, refused: Option<Refused<'_>>) -> Answer {
    let head = owned.head("Settings");
    let settings = app_settings(&owned.app);
    let saved = owned.visit.query.value("saved").unwrap_or_default();
    let now = owned.visit.state.clock.wall();
    let ended = owned.app.receipts.ended.as_ref();
    let profile = value_of(&settings, "profile");
    let profiles = words_of("profile").into_iter();
    let page = SettingsPage {
        chrome: owned.chrome(&head),
        head: &head,
        form_token: &owned.visit.form_token(),
        profiles: profiles
            .map(|name| (name, word_meaning("profile", name), name == profile))
            .collect(),
        parts: PARTS
            .iter()
            .map(|part| asked_part(&owned.app, part, refused.as_ref()))
            .collect(),
        quota: value_of(&settings, "calls_per_minute").to_owned(),
        ended: ended.map(|ended| {
            let zone = zone(&owned.user.time_zone);
            (ended.address.clone(), Moment::new(ended.at, now, &zone))
        }),
        saved: if refused.is_none() { saved } else { "" },
        wrong: refused.as_ref().map_or(0, |refused| refused.wrong.len()),
    };
    let status = if refused.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    render(status, &page)
}

/// A part with the application's values, or with those that were sent and not taken.
fn asked_part(app: &App, part: &Part, refused: Option<&Refused<'_>>) -> AskedPart {
    let settings = app_settings(app);
    let of_profile = profile_settings(&app.profile.settings());
    let refused = refused.filter(|refused| refused.part == part.name);
    let field = |key: &'static str| {
        let present = if key == "name" {
            app.name.as_str()
        } else {
            value_of(&settings, key)
        };
        let sent = refused.filter(|refused| refused.fields.has(key));
        let value = sent.map_or(present, |refused| refused.fields.value(key).unwrap_or_default());
        let mut field = Asked::new(key, value).judged(refused.map_or(&[][..], |refused| &refused.wrong));
        field.profile = of_profile
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, says)| ProfileSays {
                value: says.clone(),
                differs: says != present,
            });
        field
    };
    AskedPart {
        name: part.name,
        heading: part.heading,
        lead: part.lead,
        fields: part.keys.iter().copied().map(field).collect(),
    }
}

/// A setting's value.
fn value_of<'s>(settings: &'s [(&'static str, String)], key: &str) -> &'s str {
    let found = settings.iter().find(|(name, _)| *name == key);
    found.map_or("", |(_, value)| value.as_str())
}
