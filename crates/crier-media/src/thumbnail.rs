//! From a stranger's bytes to a picture of ours (feed 7.6 to 7.8).
//!
//! Promise: a picture is never enlarged, is made anew from pixels, holds no byte of the image, and is the same for equal bytes on
//! every machine. At most `media.decodes_max` images are worked at, each off the async threads and each counted until its work has
//! really ended. Knows neither addresses nor stories.

mod output;
mod resample;

use crate::config::MediaConfig;
use crate::decode::{self, Bounds, Deadline, Format, Order};
use crate::metrics::MediaMetrics;
use async_trait::async_trait;
use bytes::Bytes;
use crier_platform::model::picture::{Cause, Fit, Picture};
use crier_platform::ports::clock::Clock;
use crier_platform::ports::images::{BrokenPart, Images, NoPicture};
use futures_util::future::BoxFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

/// A piece of blocking work.
pub type Work = Box<dyn FnOnce() + Send>;

/// A bounded pool of threads for blocking work, lent by whoever starts threads.
pub trait Workbench: Send + Sync {
    /// Runs the work when its turn has come; the turn lasts until the work has ended, even if nobody waits for it any more. False
    /// when every place to wait is taken, and nothing was run.
    fn run(&self, work: Work) -> BoxFuture<'_, bool>;
}

/// Makes pictures.
#[derive(Clone)]
pub struct Thumbnailer {
    bench: Arc<dyn Workbench>,
    maker: Maker,
}

/// Makes pictures on the thread that asks.
#[derive(Clone)]
pub struct Maker {
    bounds: Bounds,
    timeout_ms: u64,
    clock: Arc<dyn Clock>,
    metrics: MediaMetrics,
}

impl Maker {
    /// Within the bounds of this section.
    #[must_use]
    pub fn new(config: &MediaConfig, clock: Arc<dyn Clock>, metrics: MediaMetrics) -> Self {
        Self {
            bounds: Bounds {
                side_max: config.side_max,
                bytes_max: config.decode_bytes_max.0,
            },
            timeout_ms: config.decode_timeout.0,
            clock,
            metrics,
        }
    }

    /// The picture of this image.
    ///
    /// # Errors
    /// Why it gives none.
    pub fn picture_of(&self, image: &[u8], fit: Fit) -> Result<Picture, NoPicture> {
        let began = self.clock.elapsed_micros();
        let format = Format::sniffed(image);
        let made = match format {
            None => Err(NoPicture::Unsupported),
            Some(format) => self.made(format, image, fit),
        };
        if let Some(format) = format {
            let spent = self.clock.elapsed_micros().0.saturating_sub(began.0);
            self.metrics.decoded(format.label(), spent);
        }
        made.inspect_err(|why| self.metrics.decode_refused(Cause::from(*why).label()))
    }

    /// A library that panics costs one image, not the process.
    fn made(&self, format: Format, image: &[u8], fit: Fit) -> Result<Picture, NoPicture> {
        let order = Order {
            fit,
            bounds: self.bounds,
            deadline: Deadline {
                clock: &*self.clock,
                at: self.clock.elapsed().plus_ms(self.timeout_ms),
            },
        };
        let made = catch_unwind(AssertUnwindSafe(|| {
            let decoded = decode::decode(format, image, &order)?;
            let small = resample::fitted(decoded, fit)?;
            output::written(&small, format)
        }));
        made.unwrap_or(Err(NoPicture::Broken(BrokenPart::Data)))
    }
}

impl Thumbnailer {
    /// Makes pictures on this bench.
    #[must_use]
    pub fn new(bench: Arc<dyn Workbench>, maker: Maker) -> Self {
        Self { bench, maker }
    }
}

#[async_trait]
impl Images for Thumbnailer {
    async fn thumbnail_of(&self, image: Bytes, fit: Fit) -> Result<Picture, NoPicture> {
        let made = Arc::new(OnceLock::new());
        let (maker, result) = (self.maker.clone(), Arc::clone(&made));
        let ran = self.bench.run(Box::new(move || {
            result.get_or_init(|| maker.picture_of(&image, fit));
        }));
        if !ran.await {
            self.maker.metrics.decode_refused("busy");
            return Err(NoPicture::Busy);
        }
        made.get().cloned().unwrap_or(Err(NoPicture::Busy))
    }
}

/// The port that a thumbnailer fulfils.
const _: fn(&Thumbnailer) = |thumbnailer| {
    let _: &dyn Images = thumbnailer;
};
