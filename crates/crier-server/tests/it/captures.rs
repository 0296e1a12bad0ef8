//! The recorded requests under `fixtures/period/captures`, and every way to change one byte of a parameter value so that the
//! request stays well-formed.

use std::ops::Range;
use std::path::PathBuf;

/// A recorded request.
pub struct Capture {
    /// The file's name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A request in which one byte of one value differs.
pub struct Change {
    /// The parameter.
    pub parameter: String,
    /// Where in the request.
    pub at: usize,
    /// The whole request.
    pub bytes: Vec<u8>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/period/captures")
}

/// All recorded requests, by name.
pub fn all() -> Vec<Capture> {
    let mut captures: Vec<Capture> = std::fs::read_dir(folder())
        .expect("the fixtures are part of the source")
        .map(|entry| entry.expect("a folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "http"))
        .map(|path| Capture {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            bytes: std::fs::read(&path).unwrap(),
        })
        .collect();
    captures.sort_by(|left, right| left.name.cmp(&right.name));
    captures
}

impl Capture {
    /// One recorded request.
    pub fn named(name: &str) -> Self {
        all()
            .into_iter()
            .find(|capture| capture.name == name)
            .unwrap_or_else(|| panic!("no capture {name}"))
    }

    /// Whether the name says that the application is a desktop one (protocol 21.2).
    pub fn is_desktop(&self) -> bool {
        self.name.contains("desktop")
    }

    /// The method as the file's name spells it.
    pub fn method(&self) -> &str {
        let rest = self.name.rsplitn(3, '.').collect::<Vec<_>>();
        self.name
            .split_at(self.name.len() - rest[0].len() - rest[1].len() - 1)
            .1
    }

    fn body_at(&self) -> usize {
        find(&self.bytes, b"\r\n\r\n", 0).expect("a request has a head") + 4
    }

    /// Every value: its parameter and its bytes.
    fn values(&self) -> Vec<(String, Range<usize>)> {
        let head = std::str::from_utf8(&self.bytes[..self.body_at()]).expect("a head is text");
        match head.split_once("boundary=") {
            Some((_, rest)) => self.parts(rest.split("\r\n").next().unwrap().trim_matches('"')),
            None => self.fields(),
        }
    }

    fn fields(&self) -> Vec<(String, Range<usize>)> {
        let mut at = self.body_at();
        let mut values = Vec::new();
        for field in self.bytes[at..].split(|byte| *byte == b'&') {
            let name = field.split(|byte| *byte == b'=').next().unwrap();
            values.push((
                String::from_utf8(name.to_vec()).unwrap(),
                at + name.len() + 1..at + field.len(),
            ));
            at += field.len() + 1;
        }
        values
    }

    fn parts(&self, boundary: &str) -> Vec<(String, Range<usize>)> {
        let end_mark = format!("\r\n--{boundary}").into_bytes();
        let mut at = self.body_at();
        let mut values = Vec::new();
        while let Some(head_end) = find(&self.bytes, b"\r\n\r\n", at) {
            let value = head_end + 4;
            let end = find(&self.bytes, &end_mark, value).expect("a part has an end");
            let head = std::str::from_utf8(&self.bytes[at..head_end]).expect("a part's head is text");
            // A part with a file is no parameter.
            if let Some((_, name)) = head
                .split_once(" name=\"")
                .filter(|_| !head.contains("filename="))
            {
                values.push((name.split('"').next().unwrap().to_owned(), value..end));
            }
            at = end + 2;
        }
        values
    }

    /// The value of a parameter with one byte after another changed, for every parameter.
    pub fn changes(&self) -> Vec<Change> {
        let is_multipart = self.bytes[..self.body_at()]
            .windows(9)
            .any(|window| window == b"boundary=");
        let mut changes = Vec::new();
        for (parameter, value) in self.values() {
            let mut at = value.start;
            while at < value.end {
                let escaped = !is_multipart && self.bytes[at] == b'%';
                let width = if escaped { 3 } else { 1 };
                let mut bytes = self.bytes.clone();
                if escaped {
                    let held =
                        u8::from_str_radix(std::str::from_utf8(&bytes[at + 1..at + 3]).unwrap(), 16).unwrap();
                    let other = format!("%{:02X}", other_byte(held));
                    bytes[at..at + 3].copy_from_slice(other.as_bytes());
                } else {
                    bytes[at] = other_byte(bytes[at]);
                }
                changes.push(Change {
                    parameter: parameter.clone(),
                    at,
                    bytes,
                });
                at += width;
            }
        }
        changes
    }
}

/// Another byte of the same kind: a digit for a digit, a letter for a letter, a byte of UTF-8 for one in the same place.
fn other_byte(byte: u8) -> u8 {
    match byte {
        b'0'..=b'8' | b'a'..=b'e' | b'g'..=b'y' | b'A'..=b'Y' => byte + 1,
        b'9' => b'0',
        b'f' => b'a',
        b'z' => b'g',
        b'Z' => b'A',
        0x80.. => byte ^ 1,
        _ => b'x',
    }
}

fn find(bytes: &[u8], mark: &[u8], from: usize) -> Option<usize> {
    bytes[from..]
        .windows(mark.len())
        .position(|window| window == mark)
        .map(|place| from + place)
}

#[test]
fn the_changes_of_a_capture_touch_every_byte_of_every_value_once() {
    let captures = all();
    assert_eq!(captures.len(), 19);
    let mut changed = 0;
    for capture in &captures {
        let values = capture.values();
        assert!(
            values.iter().any(|(name, _)| name == "api_key"),
            "{}",
            capture.name
        );
        for change in capture.changes() {
            assert_eq!(change.bytes.len(), capture.bytes.len());
            let differing: Vec<_> = (0..change.bytes.len())
                .filter(|at| change.bytes[*at] != capture.bytes[*at])
                .collect();
            let within = values
                .iter()
                .find(|(_, value)| value.contains(&change.at))
                .unwrap();
            assert_eq!(within.0, change.parameter);
            assert!(
                !differing.is_empty() && differing.iter().all(|at| within.1.contains(at)),
                "{}",
                capture.name
            );
            changed += 1;
        }
    }
    assert_eq!(changed, 4_554);
}

#[test]
fn a_capture_is_named_by_its_client_and_its_method() {
    let capture = Capture::named("perl-www-facebook-api-0.4.18-desktop.liveMessage.send");
    assert!(capture.is_desktop());
    assert_eq!(capture.method(), "liveMessage.send");
    assert_eq!(
        Capture::named("php-2008-05-batch.batch.run").method(),
        "batch.run"
    );
}
