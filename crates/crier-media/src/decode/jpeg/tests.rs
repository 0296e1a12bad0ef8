//! Sample for sample, what libjpeg-turbo's way of reading gives, at every scale (feed 12: within 2 of a foreign decoder).

use super::planes::Pixels;
use super::{Head, Walk, scan, scans};
use crate::decode::{Bounds, Deadline, Order};
use crier_platform::model::picture::Fit;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::images::NoPicture;
use crier_testkit::ManualClock;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use libjpeg_turbo_rs::{Decoder, PixelFormat, ScalingFactor, Subsampling};

/// What an encoder is told beside the pixels.
struct Way {
    colours: ColorType,
    sampling: SamplingFactor,
    progressive: bool,
    restart: u16,
    quality: u8,
}

/// Noise over a gradient: strong coefficients of every kind.
fn scene(sides: (usize, usize), channels: usize) -> Vec<u8> {
    let mut state = 0x2545_f491u32;
    let mut pixels = Vec::new();
    for y in 0..sides.1 {
        for x in 0..sides.0 {
            for channel in 0..channels {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                let slope = (x * 3 + y * (channel + 1) * 2) % 256;
                pixels.push(((slope as u32 * 3 + (state & 0xff)) / 4) as u8);
            }
        }
    }
    pixels
}

fn channels(colours: ColorType) -> usize {
    match colours {
        ColorType::Luma => 1,
        ColorType::Rgb => 3,
        _ => 4,
    }
}

fn drawn(sides: (usize, usize), way: &Way) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, way.quality);
    encoder.set_sampling_factor(way.sampling);
    encoder.set_progressive(way.progressive);
    if way.restart > 0 {
        encoder.set_restart_interval(way.restart);
    }
    let pixels = scene(sides, channels(way.colours));
    encoder
        .encode(&pixels, sides.0 as u16, sides.1 as u16, way.colours)
        .unwrap();
    file
}

/// Our pixels at a scale; inks as they are stored.
fn ours(file: &[u8], denominator: u32) -> Result<Vec<u8>, NoPicture> {
    let clock = ManualClock::at(0);
    let order = Order {
        fit: Fit::STORY,
        bounds: Bounds {
            side_max: 4_096,
            bytes_max: 32 << 20,
        },
        deadline: Deadline {
            clock: &clock,
            at: clock.elapsed().plus_ms(1_000),
        },
    };
    let mut walk = Walk::over(file);
    let head: Head = walk.head(&order)?;
    let mut planes = scan::planes(&head.frame, denominator);
    scans(&mut walk, &head, &mut planes, &order)?;
    let sides = head.frame.scaled(denominator);
    let mut pixels = Pixels::new(&planes, sides.0 as usize, (head.colours, false));
    Ok((0..sides.1 as usize)
        .flat_map(|y| pixels.row(y).to_vec())
        .collect())
}

fn theirs(file: &[u8], denominator: u32) -> Option<Vec<u8>> {
    let mut decoder = Decoder::new(file).ok()?;
    decoder.set_scale(ScalingFactor::try_new(1, denominator).unwrap());
    decoder.set_output_format(match decoder.header().components.len() {
        1 => PixelFormat::Grayscale,
        3 => PixelFormat::Rgb,
        _ => PixelFormat::Cmyk,
    });
    Some(decoder.decode_image().ok()?.data)
}

const SAMPLINGS: [SamplingFactor; 8] = [
    SamplingFactor::R_4_4_4,
    SamplingFactor::R_4_2_0,
    SamplingFactor::R_4_2_2,
    SamplingFactor::R_4_4_0,
    SamplingFactor::R_4_1_1,
    SamplingFactor::R_4_1_0,
    SamplingFactor::F_1_4,
    SamplingFactor::F_2_4,
];

#[test]
fn every_sampling_scale_and_kind_is_read_as_libjpeg_turbo_reads_it() {
    for sides in [(97, 75), (16, 16), (1, 1), (3, 33), (130, 5)] {
        for sampling in SAMPLINGS {
            for (progressive, restart) in [(false, 0), (false, 3), (true, 0), (true, 3)] {
                let way = Way {
                    colours: ColorType::Rgb,
                    sampling,
                    progressive,
                    restart,
                    quality: 85,
                };
                let file = drawn(sides, &way);
                for denominator in [1, 2, 4, 8] {
                    assert!(
                        Some(ours(&file, denominator).unwrap()) == theirs(&file, denominator),
                        "{sides:?} {sampling:?} progressive {progressive} restart {restart} 1/{denominator}"
                    );
                }
            }
        }
    }
}

#[test]
fn grey_and_inks_are_read_as_libjpeg_turbo_reads_them() {
    for colours in [ColorType::Luma, ColorType::Cmyk, ColorType::CmykAsYcck] {
        for (progressive, quality) in [(false, 20), (false, 100), (true, 100)] {
            let way = Way {
                colours,
                sampling: SamplingFactor::R_4_4_4,
                progressive,
                restart: 0,
                quality,
            };
            let file = drawn((61, 43), &way);
            for denominator in [1, 2, 4, 8] {
                assert!(
                    Some(ours(&file, denominator).unwrap()) == theirs(&file, denominator),
                    "{colours:?} progressive {progressive} quality {quality} 1/{denominator}"
                );
            }
        }
    }
}

#[test]
fn coefficients_that_come_bit_by_bit_are_read_as_libjpeg_turbo_reads_them() {
    for sampling in [Subsampling::S444, Subsampling::S420, Subsampling::S422] {
        for quality in [30, 75, 97] {
            let pixels = scene((77, 51), 3);
            let file =
                libjpeg_turbo_rs::compress_progressive(&pixels, 77, 51, PixelFormat::Rgb, quality, sampling)
                    .unwrap();
            for denominator in [1, 2, 4, 8] {
                assert!(
                    Some(ours(&file, denominator).unwrap()) == theirs(&file, denominator),
                    "{sampling:?} quality {quality} 1/{denominator}"
                );
            }
        }
    }
}
