//! `/feed/preferences`: sliders, switches, time zone, keys and private feeds of a person (feed 6.4, 6.9).

use super::app_sign::AppSign;
use super::door::{Answer, render, see_other, with_cookie};
use super::error::SiteError;
use super::fields::Fields;
use super::layout::Chrome;
use super::moment::{Moment, is_zone};
use super::settings::zones;
use super::slider::{Slider, stop_named};
use super::story::{Card, Lens};
use super::visit::Visit;
use super::words::counted;
use askama::Template;
use crier_platform::accounts::admin::UserChange;
use crier_platform::feed::{Preference, Wish};
use crier_platform::model::user::User;
use http::StatusCode;

#[derive(Template)]
#[template(path = "preferences.html")]
pub(super) struct PreferencesPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) form_token: &'a str,
    /// What was just done, or empty.
    pub(super) notice: &'a str,
    pub(super) apps: Vec<AppPreference>,
    /// How many applications stand before these, and how many there are in all.
    pub(super) from: usize,
    pub(super) all: usize,
    /// Where the next ones begin.
    pub(super) next: Option<usize>,
    /// How many stand on one page.
    pub(super) at_once: usize,
    pub(super) preview: Vec<Card>,
    /// The preview shows what the form says and not what is saved.
    pub(super) previewed: bool,
    /// Names of time zones, and which one is chosen.
    pub(super) zones: Vec<(String, bool)>,
    pub(super) keys: bool,
    pub(super) addresses: Vec<AddressRow>,
    /// There can be no further address.
    pub(super) full: bool,
    /// Characters of its label.
    pub(super) label_chars_max: usize,
}

/// An application that may publish.
pub(super) struct AppPreference {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) sign: AppSign,
    pub(super) slider: Slider,
    pub(super) on: bool,
    /// When it may publish again; none: now.
    pub(super) next: Option<Moment>,
    /// The last 28 days in words.
    pub(super) counts: String,
}

/// An address of a private feed, without its token.
pub(super) struct AddressRow {
    pub(super) number: i64,
    pub(super) label: String,
    pub(super) made: Moment,
    pub(super) used: Option<Moment>,
}

/// The preview alone, for a form sent in place.
#[derive(Template)]
#[template(
    source = "{% import \"preview.html\" as parts %}{% call parts::preview(preview, previewed) %}{% endcall %}",
    ext = "html"
)]
pub(super) struct PreviewPart {
    pub(super) preview: Vec<Card>,
    pub(super) previewed: bool,
}

/// Bytes of a form beside its applications, and of one application: two names with a number of 19 digits each.
const FORM_REST_BYTES: u64 = 256;
const APP_BYTES: u64 = 48;
/// Fields beside those of the applications, which have two each.
const FORM_REST_FIELDS: usize = 4;

/// How many applications a form may name, so that it is never larger than what is read of one.
fn at_once(visit: &Visit) -> usize {
    let site = &visit.state.site;
    let by_bytes = site.form_bytes_max.0.saturating_sub(FORM_REST_BYTES) / APP_BYTES;
    let by_fields = site.fields_max.saturating_sub(FORM_REST_FIELDS) / 2;
    usize::try_from(by_bytes)
        .unwrap_or(usize::MAX)
        .min(by_fields)
        .max(1)
}

/// Where the applications of a page begin.
fn from(fields: &Fields) -> usize {
    fields
        .value("from")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let user = visit.user()?;
    visit.count_read(&user)?;
    let preferences = visit.state.feed.preferences(user.uid).await?;
    page(&visit, (&user, from(&visit.query)), (&preferences, None)).await
}

/// A form's address that was opened as a page leads to the page of the form.
pub(crate) async fn back(visit: Visit) -> Answer {
    see_other(&visit.href("/feed/preferences"))
}

/// Saves sliders and switches; what stands as it stood is not written.
pub(crate) async fn save(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, "/feed/preferences")?;
    let preferences = visit.state.feed.preferences(user.uid).await?;
    for (present, wish) in preferences.iter().zip(wishes(&preferences, &fields)?) {
        if wish.slider != present.slider {
            visit
                .state
                .feed
                .set_slider(user.uid, wish.app, wish.slider)
                .await?;
        }
        if wish.on != present.on {
            visit
                .state
                .accounts
                .switch_stories(wish.app, user.uid, wish.on)
                .await?;
        }
    }
    let page = match from(&fields) {
        0 => String::new(),
        from => format!("&from={from}"),
    };
    see_other(&visit.href(&format!("/feed/preferences?done=saved{page}")))
}

/// The feed as it would be if this were saved. Changes nothing.
pub(crate) async fn preview(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, "/feed/preferences")?;
    visit.count_read(&user)?;
    let mut preferences = visit.state.feed.preferences(user.uid).await?;
    let wishes = wishes(&preferences, &fields)?;
    if fields.has("in_place") {
        let preview = previewed(&visit, &user, &wishes).await?;
        let part = PreviewPart {
            preview,
            previewed: true,
        };
        return render(StatusCode::OK, &part);
    }
    for (preference, wish) in preferences.iter_mut().zip(&wishes) {
        (preference.slider, preference.on) = (wish.slider, wish.on);
    }
    page(&visit, (&user, from(&fields)), (&preferences, Some(&wishes))).await
}

/// Time zone and keys.
pub(crate) async fn reading(visit: Visit, fields: Fields) -> Answer {
    let user = visit.form_user(&fields, "/feed/preferences")?;
    let name = fields.value("zone").unwrap_or_default();
    if !is_zone(name) {
        return Err(SiteError::bad_request(
            "There is no such time zone. Choose one of the list.",
        ));
    }
    let change = UserChange {
        time_zone: Some(name.to_owned()),
        ..UserChange::default()
    };
    let accounts = &visit.state.accounts;
    accounts.set_user(&user.uid.to_string(), change).await?;
    let done = see_other(&visit.href("/feed/preferences?done=reading"));
    with_cookie(done, visit.keys_cookie(fields.has("keys")))
}

async fn page(
    visit: &Visit,
    (user, from): (&User, usize),
    (preferences, wishes): (&[Preference], Option<&[Wish]>),
) -> Answer {
    let at_once = at_once(visit);
    let from = if from < preferences.len() { from } else { 0 };
    let next = from.saturating_add(at_once);
    let lens = Lens::of(visit, user);
    let preview = previewed(visit, user, wishes.unwrap_or_default()).await?;
    let addresses = visit.state.feed.addresses(user.uid).await?;
    let rows = addresses.into_iter().map(|address| AddressRow {
        number: address.number,
        label: address.label,
        made: lens.moment(address.created_at),
        used: address.used_at.map(|at| lens.moment(at)),
    });
    let rows: Vec<AddressRow> = rows.collect();
    let page = PreferencesPage {
        chrome: Chrome::of(visit, "Preferences", "feed"),
        form_token: &visit.form_token(),
        notice: match visit.query.value("done") {
            Some("saved") => "Saved. It holds from the next time you open your feed.",
            Some("reading") => "Saved.",
            Some("revoked") => "Revoked. Whoever reads there finds nothing any more.",
            Some(_) | None => "",
        },
        apps: preferences
            .iter()
            .skip(from)
            .take(at_once)
            .map(|one| AppPreference::of(one, &lens))
            .collect(),
        from,
        all: preferences.len(),
        next: (next < preferences.len()).then_some(next),
        at_once,
        preview,
        previewed: wishes.is_some(),
        zones: zones(&user.time_zone),
        keys: visit.keys_are_on(),
        full: rows.len() >= visit.state.feed.addresses_max(),
        addresses: rows,
        label_chars_max: visit.state.site.label_chars_max,
    };
    render(StatusCode::OK, &page)
}

async fn previewed(visit: &Visit, user: &User, wishes: &[Wish]) -> Result<Vec<Card>, SiteError> {
    let served = visit.state.feed.preview(user.uid, wishes).await?;
    let lens = Lens::of(visit, user);
    Ok(served.slots.iter().map(|one| Card::new(one, &lens)).collect())
}

/// What the form asks for, application by application; one that the form does not name stays as it is.
fn wishes(preferences: &[Preference], fields: &Fields) -> Result<Vec<Wish>, SiteError> {
    let wish = |present: &Preference| {
        let app = present.app.id;
        let Some(stop) = fields.value(&format!("s{app}")) else {
            return Ok(Wish {
                app,
                slider: present.slider,
                on: present.on,
            });
        };
        let slider =
            stop_named(stop).ok_or_else(|| SiteError::bad_request("The slider has no such stop."))?;
        let on = fields.has(&format!("on{app}"));
        Ok(Wish { app, slider, on })
    };
    preferences.iter().map(wish).collect()
}

impl AppPreference {
    fn of(preference: &Preference, lens: &Lens<'_>) -> Self {
        let app = &preference.app;
        Self {
            id: app.id.to_string(),
            name: app.name.clone(),
            sign: AppSign::of(app, lens.base),
            slider: Slider {
                field: format!("s{}", app.id),
                label: app.name.clone(),
                stop: preference.slider,
            },
            on: preference.on,
            next: preference.next.map(|at| lens.moment(at)),
            counts: counts(preference),
        }
    }
}

/// The last 28 days in words; what did not happen is not named.
fn counts(preference: &Preference) -> String {
    let stories = counted(preference.published, "story", "stories");
    let parts: Vec<String> = [
        (preference.shown, "shown"),
        (preference.clicked, "opened"),
        (preference.thumbed, "liked"),
        (preference.hidden, "hidden"),
        (preference.reported, "reported"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect();
    if parts.is_empty() {
        format!("{stories} in 28 days")
    } else {
        format!("{stories} in 28 days: {}", parts.join(", "))
    }
}
