//! Broken files, files of two kinds, and files that carry something along (feed 12).

use crate::{draw, picture};
use crier_platform::ports::images::{BrokenPart, NoPicture};

/// One small file of each kind.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let pixels = draw::smooth(24, 18);
    let wide: Vec<u8> = pixels
        .chunks(3)
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 77])
        .collect();
    let indexes: Vec<u8> = (0..24 * 18).map(|at| (at % 3) as u8).collect();
    vec![
        ("jpeg", draw::jpeg(&pixels, 24, 18)),
        (
            "progressive",
            draw::progressive(24, 18, jpeg_encoder::ColorType::Rgb),
        ),
        ("inks", draw::progressive(24, 18, jpeg_encoder::ColorType::Cmyk)),
        ("png", draw::png(&wide, 24, 18, png::ColorType::Rgba)),
        ("interlaced", draw::black_interlaced(24, 18)),
        (
            "gif",
            draw::gif(&indexes, 24, 18, &[0, 9, 99, 1, 2, 3, 255, 255, 255]),
        ),
        ("webp", draw::webp(&wide, 24, 18)),
    ]
}

#[test]
fn every_prefix_is_refused_and_named_broken_once_its_kind_is_known() {
    for (name, file) in files() {
        assert!(picture(&file).is_ok(), "{name}");
        for end in 0..file.len() {
            let made = picture(&file[..end]);
            let refused = matches!(made, Err(NoPicture::Broken(_)) | Err(NoPicture::Unsupported));
            // A WebP ends in a byte of padding at most, a GIF in its last mark.
            assert!(
                refused,
                "{name} up to {end} of {}: {:?}",
                file.len(),
                made.map(|made| made.kind)
            );
            assert!(
                end < 12 || made != Err(NoPicture::Unsupported),
                "{name} up to {end}"
            );
        }
    }
}

#[test]
fn every_flipped_byte_gives_the_same_result_each_time() {
    for (name, file) in files() {
        for at in 0..file.len() {
            for flip in [0xff, 0x01, 0x80] {
                let mut flipped = file.clone();
                flipped[at] ^= flip;
                assert_eq!(picture(&flipped), picture(&flipped), "{name} at {at}");
            }
        }
    }
}

#[test]
fn a_wrong_check_sum_is_broken() {
    let (_, mut file) = files().swap_remove(3);
    let at = file.windows(4).position(|kind| kind == b"IDAT").unwrap();
    let length = u32::from_be_bytes(*file[at - 4..].first_chunk().unwrap()) as usize;
    file[at + 4 + length] ^= 1;
    assert_eq!(picture(&file), Err(NoPicture::Broken(BrokenPart::Data)));
}

#[test]
fn what_stands_behind_an_image_changes_nothing() {
    let files = files();
    for (name, file) in &files {
        let expected = picture(file).unwrap();
        for (_, other) in &files {
            let glued = [file.as_slice(), other.as_slice()].concat();
            assert_eq!(picture(&glued).as_ref(), Ok(&expected), "{name}");
        }
        let polyglot = [file.as_slice(), b"<script>alert(1)</script>PK\x03\x04"].concat();
        assert_eq!(picture(&polyglot), Ok(expected), "{name}");
    }
}

#[test]
fn what_stands_before_an_image_makes_it_unsupported() {
    for (name, file) in files() {
        let led = [b"<html>", file.as_slice()].concat();
        assert_eq!(picture(&led), Err(NoPicture::Unsupported), "{name}");
    }
}

#[test]
fn no_comment_place_or_profile_reaches_the_picture() {
    const SECRET: &[u8] = b"<script>52.5200N 13.4050E</script>";
    let block = [b"Exif\0\0", draw::exif(1).as_slice(), SECRET].concat();
    let jpeg = draw::jpeg(&draw::smooth(90, 60), 90, 60);
    let png = draw::png(&draw::smooth(90, 60), 90, 60, png::ColorType::Rgb);
    let carrying = [
        draw::with_segment(&jpeg, 0xe1, &block),
        draw::with_segment(&jpeg, 0xfe, SECRET),
        draw::with_segment(&jpeg, 0xe2, &[b"ICC_PROFILE\0\x01\x01", SECRET].concat()),
        draw::with_segment(&jpeg, 0xed, SECRET),
        draw::with_chunk(&png, b"tEXt", SECRET),
        draw::with_chunk(&png, b"eXIf", &block[6..]),
        draw::with_chunk(&png, b"iTXt", SECRET),
    ];
    for (number, file) in carrying.iter().enumerate() {
        let made = picture(file).unwrap();
        let plain = if number < 4 { picture(&jpeg) } else { picture(&png) };
        assert_eq!(Ok(&made), plain.as_ref(), "{number}");
        assert!(!made.bytes.windows(6).any(|bytes| bytes == b"script"), "{number}");
        for segment in [&b"Exif"[..], b"ICC", b"tEXt", b"eXIf", b"http"] {
            let found = made.bytes.windows(segment.len()).any(|bytes| bytes == segment);
            assert!(!found, "{number}");
        }
    }
}

#[test]
fn floods_of_chunks_scans_and_blocks_are_done_or_refused() {
    let png = draw::png(&draw::smooth(20, 20), 20, 20, png::ColorType::Rgb);
    let flood = draw::png_chunk(b"tEXt", b"k\0v").repeat(100_000);
    let flooded = [&png[..33], &flood, &png[33..]].concat();
    assert_eq!(picture(&flooded), picture(&png));
    let jpeg = draw::jpeg(&draw::smooth(20, 20), 20, 20);
    let comments = [0xff, 0xfe, 0, 3, b'x'].repeat(200_000);
    let flooded = [&jpeg[..2], &comments, &jpeg[2..]].concat();
    assert_eq!(picture(&flooded), picture(&jpeg));
    let profile = draw::png_chunk(b"iCCP", b"p\0\0x").repeat(1_000);
    let flooded = [&png[..33], &profile, &png[33..]].concat();
    assert_eq!(picture(&flooded), picture(&png));
    let mut scans = draw::progressive(64, 64, jpeg_encoder::ColorType::Rgb);
    let begin = scans
        .windows(2)
        .rposition(|marker| marker == [0xff, 0xda])
        .unwrap();
    let scan = scans[begin..scans.len() - 2].repeat(5_000);
    scans.splice(begin..begin, scan);
    assert!(matches!(
        picture(&scans),
        Err(NoPicture::Timeout | NoPicture::Broken(_))
    ));
}
