//! Between columns and the platform's types. A column that cannot be what it should be is an error, never a guess.

use crier_platform::model::app::{
    AppKind, CallIdSetting, FeedErrors, FeedReply, ImageLinks, LiveText, ProfileName, SignatureSetting,
    Strictness,
};
use crier_platform::model::hook::HookKind;
use crier_platform::model::login::TokenDigest;
use crier_platform::model::message::Via;
use crier_platform::model::picture::{PictureHash, PictureType, SlotPicture};
use crier_platform::model::record::{BlankedBy, ReportReason};
use crier_platform::model::session::SessionKind;
use crier_platform::model::story::SlotState;
use crier_platform::model::time::WallMs;
use crier_proto::ids::{AppId, Uid};
use crier_proto::message::Fanout;
use rusqlite::types::Type;
use rusqlite::{Row, RowIndex};

/// The error of a column that is not what it should be.
pub(crate) fn bad(what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Null, what.into())
}

/// A closed set of words in a column.
pub(crate) trait Word: Sized {
    /// The word.
    fn word(&self) -> &'static str;
    /// The member of this word.
    fn of_word(word: &str) -> Option<Self>;
}

macro_rules! words {
    ($($name:ident { $($member:ident = $word:literal),+ })+) => {
        $(impl Word for $name {
            fn word(&self) -> &'static str {
                match self { $(Self::$member => $word),+ }
            }
            fn of_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$member),)+ _ => None }
            }
        })+
    };
}

words! {
    AppKind { Web = "web", Desktop = "desktop" }
    ProfileName { Documented = "documented", Period = "period", Modern = "modern" }
    CallIdSetting { Required = "required", Unique = "unique", Ignored = "ignored" }
    FeedErrors { Documented = "documented", Detailed = "detailed" }
    FeedReply { Scalar = "scalar", List = "list" }
    ImageLinks { Http = "http", HttpHttps = "http_https" }
    LiveText { Any = "any", Json = "json" }
    SignatureSetting { Md5 = "md5", Hmac = "hmac" }
    Strictness { Strict = "strict", Lenient = "lenient" }
    HookKind { Authorize = "authorize", Remove = "remove" }
    Via { App = "app", User = "user" }
    Fanout { All = "all", One = "one", Focused = "focused" }
    ReportReason { Spam = "spam", Offensive = "offensive", NotMine = "not_mine", Other = "other" }
    BlankedBy { Age = "age", Takedown = "takedown", Erasure = "erasure" }
    SlotState { Pending = "pending", Ready = "ready", Failed = "failed", Evicted = "evicted", Removed = "removed" }
    PictureType { Jpeg = "jpg", Png = "png" }
    SessionKind { Fixed = "fixed", Sliding = "sliding" }
}

/// The platform's types out of columns, by their names; by their places where rows are many: a name is looked up for each row.
pub(crate) trait Columns {
    /// A word of a closed set.
    fn word<W: Word>(&self, column: impl RowIndex) -> rusqlite::Result<W>;
    /// An application's number.
    fn app(&self, column: impl RowIndex) -> rusqlite::Result<AppId>;
    /// A user's number.
    fn user(&self, column: impl RowIndex) -> rusqlite::Result<Uid>;
    /// A time in milliseconds.
    fn wall(&self, column: impl RowIndex) -> rusqlite::Result<WallMs>;
    /// A digest.
    fn digest(&self, column: &str) -> rusqlite::Result<TokenDigest>;
    /// A picture's address, if there is one.
    fn picture(&self, column: &str) -> rusqlite::Result<Option<PictureHash>>;
    /// What a slot shows, from `picture`, `type`, `width` and `height`, if there is a picture.
    fn slot_picture(&self) -> rusqlite::Result<Option<SlotPicture>>;
    /// A moment and a word of a closed set that stand together or not at all.
    fn stamped<W: Word>(
        &self,
        at: impl RowIndex,
        word: impl RowIndex,
    ) -> rusqlite::Result<Option<(WallMs, W)>>;
    /// Text in a grammar of its own.
    fn parsed<T: std::str::FromStr>(&self, column: &'static str) -> rusqlite::Result<T>;
}

impl Columns for Row<'_> {
    fn word<W: Word>(&self, column: impl RowIndex) -> rusqlite::Result<W> {
        let text = self.get_ref(column)?.as_str().map_err(|_| bad("a word"))?;
        W::of_word(text).ok_or_else(|| bad("a word of its closed set"))
    }

    fn app(&self, column: impl RowIndex) -> rusqlite::Result<AppId> {
        AppId::new(self.get(column)?).ok_or_else(|| bad("an application's number"))
    }

    fn user(&self, column: impl RowIndex) -> rusqlite::Result<Uid> {
        Uid::new(self.get(column)?).ok_or_else(|| bad("a user's number"))
    }

    fn wall(&self, column: impl RowIndex) -> rusqlite::Result<WallMs> {
        self.get(column).map(WallMs)
    }

    fn digest(&self, column: &str) -> rusqlite::Result<TokenDigest> {
        self.get(column).map(TokenDigest)
    }

    fn picture(&self, column: &str) -> rusqlite::Result<Option<PictureHash>> {
        Ok(self.get::<_, Option<[u8; 32]>>(column)?.map(PictureHash))
    }

    fn slot_picture(&self) -> rusqlite::Result<Option<SlotPicture>> {
        let Some(hash) = self.picture("picture")? else {
            return Ok(None);
        };
        Ok(Some(SlotPicture {
            hash,
            kind: self.word("type")?,
            width: self.get("width")?,
            height: self.get("height")?,
        }))
    }

    fn stamped<W: Word>(
        &self,
        at: impl RowIndex,
        word: impl RowIndex,
    ) -> rusqlite::Result<Option<(WallMs, W)>> {
        match self.get::<_, Option<i64>>(at)? {
            Some(at) => Ok(Some((WallMs(at), Columns::word(self, word)?))),
            None => Ok(None),
        }
    }

    fn parsed<T: std::str::FromStr>(&self, column: &'static str) -> rusqlite::Result<T> {
        let text = self.get_ref(column)?.as_str().map_err(|_| bad(column))?;
        text.parse().map_err(|_| bad(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_comes_back_and_no_other_is_taken() {
        assert_eq!(
            ImageLinks::of_word(ImageLinks::HttpHttps.word()),
            Some(ImageLinks::HttpHttps)
        );
        assert_eq!(ProfileName::of_word("Modern"), None);
        assert_eq!(SessionKind::of_word(""), None);
    }
}
