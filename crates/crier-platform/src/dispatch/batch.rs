//! The items of a batch (protocol 15.7): one after another, each down the street from its own checks on.
//!
//! An item's error is its own result and stops no other. Each costs one call of the quota, whatever becomes of it.

use super::{Answer, Dispatcher, Subject, concluded, subject_of};
use crate::faults::Fault;
use crate::unit::Halt;
use crate::verified::VerifiedCall;
use crate::verify::{Known, verify_item};
use crier_proto::call::{RawCall, ShapeRefusal};
use crier_proto::error::Code;
use crier_proto::render::Style;
use crier_proto::reply::Reply;
use futures_util::future::BoxFuture;

/// What figures and a log line may say about one item.
#[derive(Debug)]
pub struct ItemTold {
    /// Canonical method name, when the item named a known one.
    pub method: Option<&'static str>,
    /// The error row, if its result is an error document.
    pub error: Option<Code>,
    /// The bound that a refused value was over.
    pub bound: Option<&'static str>,
    /// What it made.
    pub subject: Option<Subject>,
    /// What failed on our side, if it is an error of ours.
    pub fault: Option<Fault>,
}

impl Dispatcher {
    /// The list of the items' documents. Boxed, since an item comes by the way that a batch comes.
    pub(super) fn run_items<'a>(
        &'a self,
        outer: &'a VerifiedCall<'_>,
        items: &'a [String],
    ) -> BoxFuture<'a, (Reply, Vec<ItemTold>)> {
        Box::pin(async move {
            let mut documents = Vec::with_capacity(items.len());
            let mut told = Vec::with_capacity(items.len());
            for item in items {
                let began = self.ports.clock.elapsed_micros();
                let (answer, subject) = self.answer_item(outer, item).await;
                self.count((&answer, Some(outer.app().id)), began);
                documents.push(Reply::Text(answer.rendered.into_item()));
                told.push(ItemTold {
                    method: answer.method,
                    error: answer.error,
                    bound: answer.bound,
                    subject,
                    fault: answer.fault,
                });
            }
            (Reply::List(documents), told)
        })
    }

    async fn answer_item(&self, outer: &VerifiedCall<'_>, item: &str) -> (Answer, Option<Subject>) {
        let charge = outer.charge().of_item();
        let raw = match RawCall::of_item(item, outer.raw()) {
            Ok(raw) => raw,
            Err(ShapeRefusal { refusal, format }) => {
                let halt = self.refuse(refusal, &charge).await;
                return (concluded(&Style::bare(format), Err(halt), &[]), None);
            }
        };
        let mut known = Known::default();
        let acted = match verify_item(&self.ports, &raw, outer, &mut known).await {
            Ok(call) => self.act(&call).await,
            Err(Halt::Refused(refusal)) => Err(self.refuse(refusal, &charge).await),
            Err(Halt::Fault(fault)) => Err(Halt::Fault(fault)),
        };
        let subject = subject_of(&acted);
        let mut answer = concluded(&raw.style(false), acted, raw.pairs().as_slice());
        answer.method = known.method;
        (answer, subject)
    }
}
