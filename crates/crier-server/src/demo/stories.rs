//! The stories that six applications tell about ada, bo and cy.
//!
//! Promise: each is a signed call of its application with a session of the person, answered by the dispatcher as if it had come
//! over the wire. Applications that an earlier start has added have told theirs.

use super::DemoError;
use super::books::{self, Apps, Person};
use crate::client::{Client, Keys, Order, SigVersion};
use crate::state::AppState;
use crier_platform::model::app::App;
use crier_proto::call::{Body, RequestParts};
use futures_util::future::try_join_all;
use std::net::{IpAddr, Ipv4Addr};

/// What one application tells: `{me}` and `{friend}` are names, `{page}` is the application's page.
struct Tale {
    app: &'static str,
    title: &'static str,
    body: &'static str,
    pictures: &'static [&'static str],
}

const TALES: [Tale; 6] = [
    Tale {
        app: "Rainy Day Reads",
        title: "{me} finished <a href=\"{page}\">a book about maps</a>",
        body: "<i>The best part is the page that is left blank.</i> {friend} has it next.",
        pictures: &[],
    },
    Tale {
        app: "Postcards",
        title: "<a href=\"{page}\">A postcard from {friend}</a>",
        body: "The sea is cold, the bread is warm, and the ferry leaves at six.",
        pictures: &[],
    },
    Tale {
        app: "Corner Quiz",
        title: "{me} got 9 of 10 in <a href=\"{page}\">Rivers</a>",
        body: "Only {friend} did better this week. <b>Which river crosses the equator twice?</b>",
        pictures: &[],
    },
    Tale {
        app: "Night Sky",
        title: "Tonight over {me}: <a href=\"{page}\">Jupiter and four moons</a>",
        body: "Clear from ten o'clock. Binoculars are enough, if you lean on something.",
        pictures: &["jupiter.png", "moons.png", "crescent.png", "hills.png"],
    },
    Tale {
        app: "Orchard",
        title: "{me}'s first <a href=\"{page}\">pears are ripe</a>",
        body: "Twelve this year, two more than {friend}'s tree. The ladder is free on Sunday.",
        pictures: &["pear.png", "tree.png"],
    },
    Tale {
        app: books::GAME,
        title: "{friend} wants to <a href=\"{page}\">play rock-paper-scissors</a>",
        body: "Open the game in two windows and throw. <b>Nobody can peek.</b>",
        pictures: &[],
    },
];

/// Tells every person the story of every application that was just added.
///
/// `pictures` is the address below which the pictures are.
pub(super) async fn publish(
    state: &AppState,
    (apps, people): (&Apps, &[Person]),
    pictures: &str,
) -> Result<(), DemoError> {
    for tale in &TALES {
        let Some(app) = apps.added.iter().find(|app| app.name == tale.app) else {
            continue;
        };
        // Together, so that they share a synced commit; one application after the other, so that feeds keep their order.
        let told = people.iter().enumerate().map(|(at, person)| {
            let names = (
                person.user.name.as_str(),
                people[(at + 1) % people.len()].user.name.as_str(),
            );
            let parameters = parameters(tale, (&app.callback, pictures), names);
            publish_one(state, app, person, parameters)
        });
        try_join_all(told).await?;
    }
    Ok(())
}

async fn publish_one(
    state: &AppState,
    app: &App,
    person: &Person,
    parameters: Vec<(String, String)>,
) -> Result<(), DemoError> {
    let session_key = books::session(&state.accounts, app, person).await?;
    let keys = Keys {
        url: Some(state.public_url.url.clone()),
        api_key: Some(app.api_key.to_string()),
        secret: Some(app.secret.expose().to_owned()),
        session_key: Some(session_key.clone()),
    };
    let client = Client::new(keys, SigVersion::Two, state.clock.clone())?;
    let order = Order {
        method: "feed.publishStoryToUser".to_owned(),
        parameters,
        file: None,
    };
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(client.signed(&order));
    let request = RequestParts {
        verb: "POST".to_owned(),
        path: format!("{}/restserver.php", state.public_url.base_path),
        query: Vec::new(),
        body: Body::Urlencoded(form.finish().into_bytes()),
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let answer = state.dispatcher.answer(request).await;
    state.accounts.remove_session(&session_key).await?;
    match answer.error {
        None => Ok(()),
        Some(code) => Err(DemoError::Story(format!("by {}: {code:?}", app.name))),
    }
}

fn parameters(
    tale: &Tale,
    (page, pictures): (&str, &str),
    (me, friend): (&str, &str),
) -> Vec<(String, String)> {
    let told = |text: &str| {
        text.replace("{me}", me)
            .replace("{friend}", friend)
            .replace("{page}", page)
    };
    let mut parameters = vec![
        ("title".to_owned(), told(tale.title)),
        ("body".to_owned(), told(tale.body)),
    ];
    for (picture, slot) in tale.pictures.iter().zip(1..) {
        parameters.push((format!("image_{slot}"), format!("{pictures}/{picture}")));
        parameters.push((format!("image_{slot}_link"), format!("{page}#{picture}")));
    }
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_six_stories_have_pictures_and_each_of_them_is_painted_here() {
        let page = "http://localhost:8422/demo/orchard/";
        let pictures = "http://127.0.0.1:8422/demo/pictures";
        let told = TALES.map(|tale| parameters(&tale, (page, pictures), ("ada", "bo")));
        let images = told.map(|parameters| {
            let sources = parameters
                .into_iter()
                .filter(|(name, _)| name.len() == "image_1".len());
            sources.map(|(_, source)| source).collect::<Vec<_>>()
        });
        assert_eq!(images.each_ref().map(Vec::len), [0, 0, 0, 4, 2, 0]);
        for source in images.iter().flatten() {
            let name = source.rsplit('/').next().unwrap();
            assert!(super::super::painting::painted(name).is_some(), "{source}");
        }
    }

    #[test]
    fn titles_hold_at_most_60_displayed_characters_with_the_longest_name() {
        for tale in &TALES {
            let page = "http://localhost:65535/demo/rainy-day-reads/";
            let title = parameters(tale, (page, ""), ("ada", "ada"))
                .into_iter()
                .find_map(|(name, value)| (name == "title").then_some(value))
                .expect("a title");
            let mut inside = false;
            let shown = title.chars().filter(|letter| {
                inside = *letter == '<' || (inside && *letter != '>');
                !inside && *letter != '>'
            });
            assert!(shown.count() <= 60, "{title}");
        }
    }
}
