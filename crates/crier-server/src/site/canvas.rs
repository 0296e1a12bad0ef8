//! `/apps/<canvas name>/…`: an application's own page in a frame of this site (protocol 18.9, 19.2).
//!
//! Promise: the frame shows the application's origin and no other, cannot leave its place, and is told of its visitor by the signed
//! set alone: nothing that the visitor's address pretends about that set reaches it.

use super::door::{Answer, framing, render, see_other};
use super::error::SiteError;
use super::fields::encoded;
use super::layout::Chrome;
use super::visit::Visit;
use askama::Template;
use crier_platform::accounts::origins::origin_of;
use crier_platform::model::app::App;
use http::StatusCode;

/// What the frame may do: everything a page needs, but not to lead the window that it is in elsewhere.
const SANDBOX: &str = "allow-forms allow-popups allow-same-origin allow-scripts";
/// The same for an application that stands on this site's own origin: it must not be able to reach into the page round it.
const SANDBOX_WITHOUT_ORIGIN: &str = "allow-forms allow-popups allow-scripts";

#[derive(Template)]
#[template(path = "canvas.html")]
pub(super) struct CanvasPage<'a> {
    pub(super) chrome: Chrome<'a>,
    pub(super) app: &'a str,
    /// Whose page it is: scheme, host and port.
    pub(super) origin: &'a str,
    pub(super) address: &'a str,
    pub(super) sandbox: &'a str,
    /// Where to log in or to accept, and what the visitor would do there; nothing for somebody who has.
    pub(super) way_in: Option<(&'a str, &'a str)>,
}

pub(crate) async fn get(visit: Visit) -> Answer {
    let below = visit.path_and_query.strip_prefix("/apps/").unwrap_or_default();
    let (path, query) = below.split_once('?').unwrap_or((below, ""));
    let Some((canvas, rest)) = path.split_once('/') else {
        let query = below.strip_prefix(path).unwrap_or_default();
        return see_other(&visit.href(&format!("/apps/{path}/{query}")));
    };
    let accounts = &visit.state.accounts;
    let app = accounts.app_by_canvas(canvas).await?.ok_or(SiteError::NotFound)?;
    let origin = origin_of(&app.callback).ok_or(SiteError::NotFound)?;
    let query = without_pretence(query);
    visit.opens()?;
    let pairs = accounts.canvas_pairs(&app, visit.user.as_deref()).await?;
    let is_known = pairs.iter().any(|(name, _)| name == "fb_sig_session_key");
    let address = frame_address(&app.callback, rest, (&query, &pairs)).ok_or_else(|| {
        SiteError::bad_request("This address leads out of the application. Open the application anew.")
    })?;
    let way_in = way_in(&visit, &app, (rest, &query));
    let verb = if visit.user.is_some() {
        "accept it"
    } else {
        "log in"
    };
    let page = CanvasPage {
        chrome: Chrome::of(&visit, &app.name, ""),
        app: &app.name,
        origin: &origin,
        address: &address,
        sandbox: if origin == visit.state.public_url.origin {
            SANDBOX_WITHOUT_ORIGIN
        } else {
            SANDBOX
        },
        way_in: (!is_known).then_some((way_in.as_str(), verb)),
    };
    framing(render(StatusCode::OK, &page), &origin)
}

/// The callback URL followed by `rest`, the visitor's query and the signed set; `None` when that would be another origin's.
fn frame_address(callback: &str, rest: &str, (query, pairs): (&str, &[(String, String)])) -> Option<String> {
    let (callback, fragment) = callback
        .find('#')
        .map_or((callback, ""), |at| callback.split_at(at));
    let address = format!("{callback}{rest}");
    if origin_of(&address)? != origin_of(callback)? {
        return None;
    }
    let signed = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)));
    let visitors = (!query.is_empty()).then(|| query.to_owned());
    let query: Vec<String> = visitors.into_iter().chain(signed).collect();
    let joint = if address.contains('?') { '&' } else { '?' };
    Some(format!("{address}{joint}{}{fragment}", query.join("&")))
}

/// The query without what a visitor, or whoever gave them the address, pretends of the signed set.
fn without_pretence(query: &str) -> String {
    let honest = query.split('&').filter(|pair| !pretends(pair));
    honest.collect::<Vec<_>>().join("&")
}

/// Whether a pair's name would be taken for one of the set, also by servers that take `.`, ` ` and `[` for `_`.
fn pretends(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default();
    let mut read = String::with_capacity(name.len());
    let mut rest = name.as_bytes().iter();
    while let Some(byte) = rest.next() {
        let byte = match *byte {
            b'%' => {
                let digits = rest
                    .as_slice()
                    .get(..2)
                    .and_then(|two| std::str::from_utf8(two).ok());
                match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
                    Some(escaped) => {
                        rest.nth(1);
                        escaped
                    }
                    None => b'%',
                }
            }
            other => other,
        };
        read.push(match byte {
            b'.' | b' ' | b'+' | b'[' => '_',
            other => char::from(other.to_ascii_lowercase()),
        });
    }
    let read = read.trim_start_matches('_');
    read.starts_with("fb_sig") || read.starts_with("crier_sig")
}

/// The page on which a visitor logs in and accepts, and which leads back here.
fn way_in(visit: &Visit, app: &App, (rest, query): (&str, &str)) -> String {
    let joint = if query.is_empty() { "" } else { "?" };
    let next = format!("{rest}{joint}{query}");
    let next = if next.is_empty() {
        next
    } else {
        format!("&next={}", encoded(&next))
    };
    visit.href(&format!("/authorize.php?api_key={}&canvas=1{next}", app.api_key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_shows_the_callback_followed_by_rest_query_and_set() {
        let pairs = [
            ("fb_sig_added".to_owned(), "1".to_owned()),
            ("fb_sig".to_owned(), "a b".to_owned()),
        ];
        let set = "fb_sig_added=1&fb_sig=a%20b";
        for (callback, rest, query, expected) in [
            (
                "http://a.example/cb/",
                "",
                "",
                format!("http://a.example/cb/?{set}"),
            ),
            (
                "http://a.example/cb/",
                "p/q",
                "x=%31&x[]=2",
                format!("http://a.example/cb/p/q?x=%31&x[]=2&{set}"),
            ),
            (
                "http://a.example/cb?p=",
                "play",
                "",
                format!("http://a.example/cb?p=play&{set}"),
            ),
            (
                "http://a.example/#top",
                "",
                "x",
                format!("http://a.example/?x&{set}#top"),
            ),
        ] {
            assert_eq!(frame_address(callback, rest, (query, &pairs)), Some(expected));
        }
    }

    #[test]
    fn a_rest_that_leads_to_another_host_is_refused() {
        for rest in [
            ".evil.example/",
            "@evil.example/",
            ":81/",
            "\\@evil.example/",
            "x\"y",
        ] {
            assert_eq!(frame_address("http://a.example", rest, ("", &[])), None, "{rest}");
        }
    }

    #[test]
    fn whatever_a_server_would_take_for_the_set_is_left_out() {
        for bad in [
            "fb_sig_user=1",
            "fb_sig=0",
            "FB_SIG_user=1",
            "fb%5Fsig_user=1",
            "fb%5fsig%5fuser=1",
            "%66b_sig_user=1",
            "fb.sig_user=1",
            "fb+sig_user=1",
            "fb%20sig",
            "+fb_sig_user=1",
            "%20fb_sig_user=1",
            "fb[sig_user=1",
            "crier_sig=0",
            "fb_sig_user%00=1",
        ] {
            assert_eq!(without_pretence(&format!("a=1&{bad}&b=2")), "a=1&b=2", "{bad}");
        }
        for good in [
            "fb_source=1",
            "sig=1",
            "a[]=1&a[]=2",
            "x=fb_sig_user=1",
            "%zz=1",
            "%6=1",
            "",
        ] {
            assert_eq!(without_pretence(good), good);
        }
    }
}
