//! Images made by code: pixels that repeat from their coordinates, and files of them.

/// A smooth picture: neighbouring pixels are alike, corners differ.
pub fn smooth(width: u32, height: u32) -> Vec<u8> {
    let mut pixels = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        for x in 0..width {
            let across = (x * 255 / width.max(2)) as u8;
            let down = (y * 255 / height.max(2)) as u8;
            pixels.extend([across, down, 255 - across / 2 - down / 2]);
        }
    }
    pixels
}

/// A JPEG of RGB pixels.
pub fn jpeg(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    jpeg_encoder::Encoder::new(&mut file, 90)
        .encode(pixels, width as u16, height as u16, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    file
}

/// A PNG of pixels of this kind.
pub fn png(pixels: &[u8], width: u32, height: u32, kind: png::ColorType) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(kind);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    file
}

/// A lossless WebP of RGBA pixels.
pub fn webp(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    image_webp::WebPEncoder::new(&mut file)
        .encode(pixels, width, height, image_webp::ColorType::Rgba8)
        .unwrap();
    file
}

/// A GIF of one frame that fills its canvas.
pub fn gif(indexes: &[u8], width: u32, height: u32, palette: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, width as u16, height as u16, palette).unwrap();
    let frame = gif::Frame {
        width: width as u16,
        height: height as u16,
        buffer: indexes.into(),
        ..gif::Frame::default()
    };
    encoder.write_frame(&frame).unwrap();
    drop(encoder);
    file
}

/// The pixels of a picture of ours: RGBA, its sides.
pub fn seen(picture: &crier_platform::model::picture::Picture) -> Vec<[u8; 4]> {
    use crier_platform::model::picture::PictureType;
    match picture.kind {
        PictureType::Png => {
            let mut decoder = png::Decoder::new(std::io::Cursor::new(&picture.bytes));
            decoder.set_transformations(png::Transformations::ALPHA | png::Transformations::EXPAND);
            let mut reader = decoder.read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            match info.color_type {
                png::ColorType::Rgba => pixels.as_chunks::<4>().0.to_vec(),
                png::ColorType::GrayscaleAlpha => pixels
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|[grey, alpha]| [*grey, *grey, *grey, *alpha])
                    .collect(),
                other => panic!("{other:?}"),
            }
        }
        PictureType::Jpeg => {
            let image =
                libjpeg_turbo_rs::decompress_to(&picture.bytes, libjpeg_turbo_rs::PixelFormat::Rgba).unwrap();
            image.data.as_chunks::<4>().0.to_vec()
        }
    }
}

/// Bytes without a pattern, the same in every run.
pub fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9u32;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    (0..count).map(|_| next()).collect()
}

/// The segments of a JPEG up to a scan that holds nothing.
pub fn jpeg_header(frame: u8, width: u32, height: u32, sampling: &[(u8, u8)]) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8, 0xff, frame, 0, 8 + 3 * sampling.len() as u8, 8];
    file.extend((height as u16).to_be_bytes());
    file.extend((width as u16).to_be_bytes());
    file.push(sampling.len() as u8);
    for (number, (across, down)) in sampling.iter().enumerate() {
        file.extend([number as u8 + 1, across << 4 | down, 0]);
    }
    file.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0xff, 0xd9]);
    file
}

/// A chunk of a PNG.
pub fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend(kind);
    chunk.extend(data);
    let sum = crc(&chunk[4..]);
    chunk.extend(sum.to_be_bytes());
    chunk
}

/// The check sum of a chunk.
fn crc(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                sum >> 1 ^ 0xedb8_8320
            } else {
                sum >> 1
            };
        }
    }
    !sum
}

/// A PNG of RGBA whose pixels are missing.
pub fn png_header(width: u32, height: u32, interlace: u8) -> Vec<u8> {
    let mut header = width.to_be_bytes().to_vec();
    header.extend(height.to_be_bytes());
    header.extend([16, 6, 0, 0, interlace]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(png_chunk(b"IHDR", &header));
    file.extend(png_chunk(b"IDAT", &[]));
    file.extend(png_chunk(b"IEND", &[]));
    file
}

/// A GIF of one frame at the corner whose pixels are missing.
pub fn gif_header(width: u32, height: u32, frame: (u32, u32)) -> Vec<u8> {
    let mut file = b"GIF89a".to_vec();
    file.extend((width as u16).to_le_bytes());
    file.extend((height as u16).to_le_bytes());
    file.extend([0x80, 0, 0, 0, 0, 0, 255, 255, 255, b',', 0, 0, 0, 0]);
    file.extend((frame.0 as u16).to_le_bytes());
    file.extend((frame.1 as u16).to_le_bytes());
    file.extend([0, 2, 0, b';']);
    file
}

/// A chunk of a WebP.
pub fn webp_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut chunk = kind.to_vec();
    chunk.extend((data.len() as u32).to_le_bytes());
    chunk.extend(data);
    if data.len() % 2 == 1 {
        chunk.push(0);
    }
    chunk
}

/// A WebP of these chunks.
pub fn webp_file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    let mut file = b"RIFF".to_vec();
    file.extend((body.len() as u32 + 4).to_le_bytes());
    file.extend(b"WEBP");
    file.extend(body);
    file
}

/// The chunk that names a canvas.
pub fn webp_sides(width: u32, height: u32) -> Vec<u8> {
    let mut data = vec![0x10, 0, 0, 0];
    data.extend(&width.wrapping_sub(1).to_le_bytes()[..3]);
    data.extend(&height.wrapping_sub(1).to_le_bytes()[..3]);
    webp_chunk(b"VP8X", &data)
}

/// A WebP whose lossless pixels fill the canvas and are missing.
pub fn webp_canvas(width: u32, height: u32) -> Vec<u8> {
    webp_frame((width, height), (width, height))
}

/// A WebP whose lossless pixels have other sides than its canvas.
pub fn webp_frame(canvas: (u32, u32), frame: (u32, u32)) -> Vec<u8> {
    let bits = (frame.0.wrapping_sub(1) & 0x3fff) | (frame.1.wrapping_sub(1) & 0x3fff) << 14;
    let mut data = vec![0x2f];
    data.extend(bits.to_le_bytes());
    webp_file(&[webp_sides(canvas.0, canvas.1), webp_chunk(b"VP8L", &data)])
}

/// A baseline JPEG of pixels of any kind, with halved colours.
pub fn jpeg_of(pixels: &[u8], width: u32, height: u32, kind: jpeg_encoder::ColorType) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 90);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.encode(pixels, width as u16, height as u16, kind).unwrap();
    file
}

/// A progressive JPEG without subsampling.
pub fn progressive(width: u32, height: u32, kind: jpeg_encoder::ColorType) -> Vec<u8> {
    let channels = if kind == jpeg_encoder::ColorType::Rgb {
        3
    } else {
        4
    };
    let row: Vec<u8> = (0..width * channels).map(|at| (at / 7) as u8).collect();
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 80);
    encoder.set_progressive(true);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1);
    encoder
        .encode(&row.repeat(height as usize), width as u16, height as u16, kind)
        .unwrap();
    file
}

/// The compressed data of so many zero bytes.
fn packed_zeros(count: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, count - 1, 1);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![0; count as usize - 1]).unwrap();
    writer.finish().unwrap();
    let mut data = Vec::new();
    let mut at = 8;
    while at < file.len() {
        let length = u32::from_be_bytes(*file[at..].first_chunk().unwrap()) as usize;
        if &file[at + 4..at + 8] == b"IDAT" {
            data.extend(&file[at + 8..at + 8 + length]);
        }
        at += length + 12;
    }
    data
}

/// An interlaced PNG of sixteen bits in which nothing is seen.
pub fn black_interlaced(width: u32, height: u32) -> Vec<u8> {
    let passes = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];
    let bytes = passes.map(|(left, top, across, down)| {
        let columns = (width - left).div_ceil(across);
        let rows = (height - top).div_ceil(down);
        rows * (1 + columns * 8)
    });
    let empty = png_header(width, height, 1);
    let mut file = empty[..33].to_vec();
    file.extend(png_chunk(b"IDAT", &packed_zeros(bytes.iter().sum())));
    file.extend(png_chunk(b"IEND", &[]));
    file
}

/// A PNG with a chunk behind its header.
pub fn with_chunk(file: &[u8], kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [&file[..33], &png_chunk(kind, data), &file[33..]].concat()
}

/// A JPEG with a segment behind its first two bytes.
pub fn with_segment(file: &[u8], marker: u8, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16 + 2).to_be_bytes();
    [&file[..2], &[0xff, marker], &length, data, &file[2..]].concat()
}

/// An EXIF block that names this orientation, little end first.
pub fn exif(orientation: u8) -> Vec<u8> {
    let entry = [18, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0];
    [&b"II*\0\x08\0\0\0\x01\0"[..], &entry].concat()
}

/// A lossless WebP whose pixels, all alike, are packed with the last of so many groups of codes.
pub fn webp_groups(count: u32, width: u32, height: u32) -> Vec<u8> {
    let bits = |value: u32, width: u32| (0..width).map(move |place| value >> place & 1 == 1);
    let single = |symbol: u32| bits(0b101, 3).chain(bits(symbol, 8));
    let mut written: Vec<bool> = bits(width - 1, 14).chain(bits(height - 1, 14)).collect();
    // Opaque, no transform, no cache; groups for each four by four pixels, all of which name the last one.
    written.extend(bits(1 << 6, 11));
    written.extend(single((count - 1) & 255).chain(single((count - 1) >> 8)));
    written.extend((0..3).flat_map(|_| single(0)));
    // Sixteen lengths, each of which has a code of four bits; then eleven of them: 1 to 10, and 10.
    let mut code: Vec<bool> = bits(0, 1).chain(bits(15, 4)).collect();
    let named = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    code.extend(
        named
            .iter()
            .flat_map(|kind| bits(if *kind < 16 { 4 } else { 0 }, 3)),
    );
    code.extend(bits(0b1001_0011, 8));
    for length in [1u32, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10] {
        code.extend(bits(length.reverse_bits() >> 28, 4));
    }
    written.extend(code.repeat(5 * count as usize));
    // Each pixel: the shortest code of each of four channels.
    written.extend(vec![false; (width * height * 4) as usize]);
    let packed = written.chunks(8).map(|byte| {
        byte.iter()
            .rev()
            .fold(0u8, |value, bit| value << 1 | u8::from(*bit))
    });
    webp_file(&[webp_chunk(b"VP8L", &[vec![0x2f], packed.collect()].concat())])
}
