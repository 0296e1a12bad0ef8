//! Boundaries, delimiters and part headers, with the habits of period clients among them.

use super::*;

fn values(body: &[u8], boundary: &[u8]) -> Option<Vec<Vec<u8>>> {
    let split = split(body, boundary);
    let values = split.parts.into_iter().map(|part| part.body);
    split.is_whole.then(|| values.collect())
}

fn part(headers: &[(&str, &str)], body: &[u8]) -> Part {
    Part {
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
            .collect(),
        body: body.to_vec(),
    }
}

fn judged(headers: &[(&str, &str)]) -> Result<bool, ShapeError> {
    judge(&[part(headers, b"v")], &mut Budget::default()).map(|(_, file)| file.is_some())
}

#[test]
fn media_types_are_compared_without_case_and_parameters() {
    assert_eq!(body_kind(None), BodyKind::Urlencoded);
    assert_eq!(
        body_kind(Some(b"Application/X-WWW-Form-Urlencoded ; charset=UTF-8")),
        BodyKind::Urlencoded
    );
    assert_eq!(
        body_kind(Some(b"MULTIPART/form-data;boundary=x")),
        BodyKind::Multipart(Some(b"x".to_vec()))
    );
    assert_eq!(body_kind(Some(b"multipart/form-data")), BodyKind::Multipart(None));
    for other in [
        &b"text/plain"[..],
        b"multipart/mixed; boundary=x",
        b"application/json",
        b"",
    ] {
        assert_eq!(body_kind(Some(other)), BodyKind::Other);
    }
}

#[test]
fn boundaries_are_quoted_or_bare_and_may_begin_with_hyphens() {
    let of = |text: &str| boundary(text.as_bytes()).map(|found| String::from_utf8(found).unwrap());
    assert_eq!(
        of("multipart/form-data; boundary=xYzZY").as_deref(),
        Some("xYzZY")
    );
    assert_eq!(
        of("multipart/form-data; charset=x; BOUNDARY=\"a b;\\\"c\" ; z=1").as_deref(),
        Some("a b;\"c")
    );
    assert_eq!(
        of("multipart/form-data; boundary=----------2a").as_deref(),
        Some("----------2a")
    );
    assert_eq!(
        of(&format!("m/f; boundary={}", "b".repeat(70))).map(|b| b.len()),
        Some(70)
    );
    for refused in [
        "",
        "; boundary=",
        "; boundary=\"\"",
        "; boundary=\"a",
        "; boundary=a; boundary=b",
    ] {
        assert_eq!(of(&format!("m/f{refused}")), None, "{refused}");
    }
    assert_eq!(of(&format!("m/f; boundary={}", "b".repeat(71))), None);
}

#[test]
fn preamble_and_epilogue_are_ignored_and_values_are_raw() {
    let body = b"pre\r\n--B\r\nA: 1\r\n\r\n+%41\r\n--x\r\n--B \r\n\r\n\r\n--B--\t\r\nepilogue --B";
    assert_eq!(
        values(body, b"B").unwrap(),
        [b"+%41\r\n--x".to_vec(), b"".to_vec()]
    );
}

#[test]
fn a_line_that_only_begins_like_the_delimiter_is_content() {
    let body = b"--B\r\n\r\n1\r\n--Bx\r\n2\r\n--B-\r\n3\r\n--B--x\r\n4\r\n--B--";
    assert_eq!(
        values(body, b"B").unwrap(),
        [b"1\r\n--Bx\r\n2\r\n--B-\r\n3\r\n--B--x\r\n4".to_vec()]
    );
}

#[test]
fn carriage_returns_before_the_delimiter_stay_in_the_value() {
    assert_eq!(
        values(b"--B\r\n\r\n\r\r\r\n--B--", b"B").unwrap(),
        [b"\r\r".to_vec()]
    );
}

#[test]
fn a_missing_closing_delimiter_is_refused() {
    for body in [
        &b""[..],
        b"--B",
        b"--B\r\n",
        b"--B\r\n\r\n1",
        b"--B\r\n\r\n1\r\n--B\r\n",
        b"--B\r\nno colon\r\n\r\n\r\n--B--",
    ] {
        assert_eq!(values(body, b"B"), None, "{body:?}");
    }
    assert_eq!(values(b"--B--", b"B").unwrap().len(), 0);
}

#[test]
fn splitting_stops_where_the_limits_refuse_anyway() {
    let body = [b"--B\r\n\r\n1\r\n".repeat(500), b"--B--".to_vec()].concat();
    assert_eq!(split(&body, b"B").parts.len(), PARTS_MAX);
}

#[test]
fn an_endless_header_section_is_refused() {
    let body = [
        b"--B\r\n".to_vec(),
        b"A: 1\r\n".repeat(3000),
        b"\r\n1\r\n--B--".to_vec(),
    ]
    .concat();
    assert_eq!(values(&body, b"B"), None);
}

#[test]
fn names_are_quoted_or_bare_and_files_need_none() {
    for disposition in [
        "form-data; name=\"v\"",
        "FORM-DATA;name=v",
        "form-data; x=\";\"; NAME = \"\\v\"; ;",
    ] {
        assert_eq!(
            judged(&[("content-disposition", disposition)]),
            Ok(false),
            "{disposition}"
        );
    }
    for disposition in [
        "form-data; filename=",
        "form-data; name=\"_file\"; filename=\"a\\\"b\"",
        "form-data; filename*=UTF-8''x",
    ] {
        assert_eq!(
            judged(&[("Content-Disposition", disposition)]),
            Ok(true),
            "{disposition}"
        );
    }
}

#[test]
fn parts_without_a_readable_disposition_or_name_are_refused() {
    let of = |disposition| judged(&[("Content-Disposition", disposition)]);
    assert_eq!(judged(&[]), Err(ShapeError::PartDisposition));
    assert_eq!(of("attachment; name=v"), Err(ShapeError::PartDisposition));
    assert_eq!(of("form-data; name=\"v"), Err(ShapeError::PartDisposition));
    assert_eq!(of("form-data; name=\"v\"x"), Err(ShapeError::PartDisposition));
    assert_eq!(of("form-data; name"), Err(ShapeError::PartName));
    assert_eq!(of("form-data; name=a; name=b"), Err(ShapeError::PartDisposition));
    assert_eq!(of("form-data"), Err(ShapeError::PartName));
    assert_eq!(of("form-data; name=\"\""), Err(ShapeError::Name));
    let twice = [
        ("Content-Disposition", "form-data; name=v"),
        ("content-disposition", "form-data; name=v"),
    ];
    assert_eq!(judged(&twice), Err(ShapeError::PartDisposition));
}

#[test]
fn transfer_encodings_that_need_decoding_are_refused() {
    let of = |encoding| {
        judged(&[
            ("Content-Transfer-Encoding", encoding),
            ("Content-Disposition", "form-data; name=v"),
        ])
    };
    for known in ["7bit", "8BIT", "Binary"] {
        assert_eq!(of(known), Ok(false));
    }
    assert_eq!(of("base64"), Err(ShapeError::PartEncoding));
}

#[test]
fn two_files_are_refused() {
    let file = part(&[("Content-Disposition", "form-data; filename=a")], b"");
    let text = part(&[("Content-Disposition", "form-data; name=a")], b"");
    let (_, index) = judge(&[text.clone(), file.clone()], &mut Budget::default()).unwrap();
    assert_eq!(index, Some(1));
    assert_eq!(
        judge(&[file.clone(), text, file], &mut Budget::default()).unwrap_err(),
        ShapeError::TwoFiles
    );
}
