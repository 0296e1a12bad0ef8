//! One attempt at one source: asked, made into a picture, judged; and when to try again (feed 7.3).

use super::FetchPictures;
use crate::feed::figures::FeedBound;
use crate::model::job::{Attempt, ImageHash, Job, Settlement};
use crate::model::picture::{Cause, PictureHash};
use crate::ports::entropy::random_bytes;
use crate::ports::fetch::{FetchFailed, Got, Validators, Wanted};
use crier_proto::digest::sha256;

/// Milliseconds for which a host may ask to be left alone (feed 7.3).
const RETRY_AFTER_MS_MAX: u64 = 21_600_000;
/// A delay is lengthened or shortened by up to this many thousandths.
const SPREAD_PER_MILLE: u64 = 200;

impl FetchPictures {
    /// Asks, and says what that has come to.
    pub(super) async fn attempt(&self, job: &Job) -> Attempt {
        if let Some(own) = self.rules.own_picture(&job.url) {
            let settled = match own {
                Some(hash) => self.own(job, hash).await,
                None => Err(Cause::Status(404).into()),
            };
            return Attempt {
                source: job.source,
                settlement: settled.unwrap_or_else(|failed| self.failed(job, failed)),
                spent: None,
            };
        }
        let wanted = Wanted {
            url: job.url.clone(),
            validators: job.validators.clone(),
        };
        let fetched = self.fetch.fetch(wanted).await;
        let settled = match fetched.outcome {
            Ok(Got::Unchanged) => Ok(Settlement::Unchanged),
            Ok(Got::Image { bytes, validators }) => {
                let image = ImageHash(sha256(&[&bytes]));
                let made = self.ports.images.thumbnail_of(bytes, job.fit).await;
                made.map(|picture| Settlement::Picture {
                    image,
                    picture,
                    validators,
                })
                .map_err(|why| Cause::from(why).into())
            }
            Err(failed) => Err(failed),
        };
        Attempt {
            source: job.source,
            settlement: settled.unwrap_or_else(|failed| self.failed(job, failed)),
            spent: Some(fetched.bytes),
        }
    }

    /// A picture of our own site (feed 7.1): itself if it is small enough, else the picture that is made of it, as of any image. A
    /// photo is larger than a slot.
    async fn own(&self, job: &Job, hash: PictureHash) -> Result<Settlement, FetchFailed> {
        let kept = self.ports.store.picture(hash).await;
        let kept = kept.map_err(|_| FetchFailed::from(Cause::NoAnswer))?;
        let kept = kept.ok_or(FetchFailed::from(Cause::Status(404)))?;
        if job.fit.of(kept.width, kept.height) == (kept.width, kept.height) {
            return Ok(Settlement::Own(hash));
        }
        let made = self.ports.images.thumbnail_of(kept.bytes, job.fit).await;
        let picture = made.map_err(|why| FetchFailed::from(Cause::from(why)))?;
        Ok(Settlement::Picture {
            image: ImageHash(hash.0),
            picture,
            validators: Validators::default(),
        })
    }

    /// Another attempt if the cause and the number of attempts permit it.
    fn failed(&self, job: &Job, failed: FetchFailed) -> Settlement {
        let attempts = usize::try_from(job.attempts).unwrap_or(usize::MAX);
        let delay = self.rules.retry_delays_ms.get(attempts.saturating_add(1));
        if !failed.cause.is_retried() {
            return Settlement::Failed(failed.cause);
        }
        let Some(delay) = delay else {
            self.ports.feed_figures.bound(FeedBound::RetryDelays);
            return Settlement::Failed(failed.cause);
        };
        let asked = failed.retry_after_ms.unwrap_or(0).min(RETRY_AFTER_MS_MAX);
        let wait = self.spread(*delay).max(asked);
        Settlement::Later {
            cause: failed.cause,
            due: self
                .ports
                .clock
                .wall()
                .plus_ms(i64::try_from(wait).unwrap_or(i64::MAX)),
        }
    }

    /// A delay within a fifth of this one, so that what failed together is not asked together again.
    fn spread(&self, delay: u64) -> u64 {
        let chance = u64::from_le_bytes(random_bytes(&*self.ports.entropy)) % (2 * SPREAD_PER_MILLE + 1);
        delay.saturating_mul(1_000 - SPREAD_PER_MILLE + chance) / 1_000
    }
}

/// The hash in a picture's address, `<64 hex>.jpg` or `.png`; the ending is for whoever serves it.
pub(super) fn hash_in(name: &str) -> Option<PictureHash> {
    let (digits, ending) = name.split_once('.')?;
    if !matches!(ending, "jpg" | "png") {
        return None;
    }
    crate::pictures::read_hash(digits)
}
