//! A browser without script: it keeps cookies, remembers the page it shows, and sends that page's form token back.

use crier_testkit::{Answer, RawClient};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// A person's browser.
pub(crate) struct Browser {
    address: SocketAddr,
    cookies: BTreeMap<String, String>,
    page: String,
}

impl Browser {
    /// A fresh one.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self {
            address,
            cookies: BTreeMap::new(),
            page: String::new(),
        }
    }

    /// Opens an address; redirects are not followed.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), "", None).await
    }

    /// Asks for the head of an address alone.
    pub(crate) async fn head(&self, path: &str) -> Answer {
        let request = self.request(&format!("HEAD {path}"), "", None);
        let mut client = RawClient::connect(self.address).await.unwrap();
        client.send(request.as_bytes()).await.unwrap();
        client.head().await.unwrap()
    }

    /// Opens an address with these whole header lines.
    pub(crate) async fn get_with(&mut self, head: &str, path: &str) -> Answer {
        self.send(&format!("GET {path}"), head, None).await
    }

    /// Sends a form of the page that is shown, its token included.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.form_token();
        self.post(path, Some(&token), fields).await
    }

    /// Sends a form with any token.
    pub(crate) async fn post(&mut self, path: &str, token: Option<&str>, fields: &[(&str, &str)]) -> Answer {
        self.send(&format!("POST {path}"), "", Some(form(token, fields)))
            .await
    }

    /// Sends a form that the browser says comes from elsewhere: `head` holds whole header lines.
    pub(crate) async fn post_from(&mut self, head: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = fields.iter().find(|(name, _)| *name == "form_token");
        let body = form(
            token.map(|(_, token)| *token),
            fields.get(1..).unwrap_or_default(),
        );
        self.send(&format!("POST {path}"), head, Some(body)).await
    }

    /// The form token of the page that is shown.
    pub(crate) fn form_token(&self) -> String {
        between(&self.page, "name=\"form_token\" value=\"", "\"")
            .unwrap_or_default()
            .to_owned()
    }

    /// Plants a cookie that no answer has set.
    pub(crate) fn plant(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// A cookie's value.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    async fn send(&mut self, line: &str, head: &str, body: Option<String>) -> Answer {
        let request = self.request(line, head, body);
        let answer = RawClient::exchange(self.address, request.as_bytes())
            .await
            .unwrap();
        self.keep_cookies(&answer);
        answer.text().clone_into(&mut self.page);
        answer
    }

    fn request(&self, line: &str, head: &str, body: Option<String>) -> String {
        let mut request = format!(
            "{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{head}",
            self.address
        );
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies: Vec<String> = cookies.collect();
        if !cookies.is_empty() {
            let _ = write!(request, "Cookie: {}\r\n", cookies.join("; "));
        }
        if let Some(body) = &body {
            let length = body.len();
            let _ = write!(
                request,
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n"
            );
        }
        let _ = write!(request, "\r\n{}", body.unwrap_or_default());
        request
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for (_, line) in answer
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// A form's body.
fn form(token: Option<&str>, fields: &[(&str, &str)]) -> String {
    let token = token.map(|token| format!("form_token={token}"));
    fields
        .iter()
        .fold(token.unwrap_or_default(), |mut body, (name, value)| {
            let _ = write!(body, "&{name}={}", encoded(value));
            body
        })
}

/// The text between two others.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?
        .1
        .split_once(after)
        .map(|(found, _)| found)
}

/// Where an answer leads.
pub(crate) fn location(answer: &Answer) -> &str {
    answer.header("location").unwrap_or_default()
}

/// A value as it may stand in a query.
pub(crate) fn encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
