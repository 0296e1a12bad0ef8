//! Where mutations start: one small image of every kind, and addresses of every family.

#[path = "../../tests/pictures/draw.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared with the tests: what code draws is drawn rightly"
)]
mod draw;

/// The seeds of a target.
#[must_use]
pub fn of(target: &str) -> Vec<Box<[u8]>> {
    let seeds = if target == "decode" { images() } else { addresses() };
    seeds.into_iter().map(Vec::into_boxed_slice).collect()
}

fn images() -> Vec<Vec<u8>> {
    let pixels = draw::smooth(24, 18);
    let rgba: Vec<u8> = pixels
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|[red, green, blue]| [*red, *green, *blue, 77])
        .collect();
    let indexes: Vec<u8> = (0..=255).cycle().take(24 * 18).map(|at: u8| at % 3).collect();
    let jpeg = draw::jpeg(&pixels, 24, 18);
    let png = draw::png(&rgba, 24, 18, png::ColorType::Rgba);
    vec![
        draw::with_segment(&jpeg, 0xe1, &[b"Exif\0\0", draw::exif(6).as_slice()].concat()),
        draw::jpeg_of(&pixels, 24, 18, jpeg_encoder::ColorType::Rgb),
        draw::progressive(24, 18, jpeg_encoder::ColorType::Rgb),
        draw::progressive(24, 18, jpeg_encoder::ColorType::Cmyk),
        draw::with_chunk(&png, b"eXIf", &draw::exif(3)),
        draw::black_interlaced(24, 18),
        draw::gif(&indexes, 24, 18, &[0, 9, 99, 1, 2, 3, 255, 255, 255]),
        draw::webp(&rgba, 24, 18),
        draw::webp_groups(3, 20, 12),
        draw::webp_frame((24, 18), (24, 18)),
        jpeg,
        png,
    ]
}

/// A port and an address of four or sixteen bytes.
fn addresses() -> Vec<Vec<u8>> {
    let v4 = [
        [8, 8, 8, 8],
        [10, 0, 0, 1],
        [127, 0, 0, 1],
        [169, 254, 169, 254],
        [224, 0, 0, 1],
    ];
    let prefixes: [&[u8]; 5] = [
        &[0x20, 0x01, 0x48, 0x60],
        &[0x20, 0x02],
        &[0, 0x64, 0xff, 0x9b],
        &[0xfe, 0x80],
        &[],
    ];
    let short = v4.iter().map(|address| [&[0, 80], &address[..]].concat());
    let long = prefixes.iter().flat_map(|prefix| {
        v4.iter().map(move |address| {
            let zeros = vec![0; 12 - prefix.len()];
            [&[1, 187], *prefix, &zeros, &address[..]].concat()
        })
    });
    short.chain(long).collect()
}
