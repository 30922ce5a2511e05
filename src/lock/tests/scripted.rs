//! A backend that takes its time and fails when it is told to, and checks that it is entered once at a time.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, ready};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::lock::backend::{Backend, Claim, Entered};
use crate::lock::{Holder, LockError};

/// Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Scripted(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
pub(super) struct Script {
    /// How long entering and leaving take.
    pub enter_takes: Duration,
    pub leave_takes: Duration,
    pub fails: bool,
    /// It answers, and lets nobody in.
    pub refuses: bool,
    /// Another process has it.
    pub is_busy: bool,
    /// Who that is: this process is `ourselves`.
    pub holder: Option<String>,
    pub life: Option<Duration>,
    /// How often it was asked to enter, how often it let in.
    pub asked: u32,
    pub entered: u64,
    /// The last that it gave.
    pub fence: u64,
    pub inside: bool,
    pub lost: CancellationToken,
}

#[derive(Debug)]
struct Inside {
    of: Scripted,
    fence: u64,
}

impl Scripted {
    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    fn failure(resource: &str) -> LockError {
        LockError::Backend { resource: resource.to_owned(), why: "on purpose".to_owned() }
    }
}

impl Backend for Scripted {
    fn enter<'a>(&'a self, claim: Claim<'a>) -> BoxFuture<'a, Result<Option<Box<dyn Entered>>, LockError>> {
        let entering = async move {
            let takes = {
                let mut script = self.script();
                script.asked += 1;
                script.enter_takes
            };
            if !takes.is_zero() {
                sleep(takes).await;
            }
            let mut script = self.script();
            if script.fails || script.refuses {
                return Err(Self::failure(claim.resource));
            }
            if script.is_busy {
                return Ok(None);
            }
            assert!(!std::mem::replace(&mut script.inside, true) || script.lost.is_cancelled(), "entered twice");
            script.entered += 1;
            script.lost = CancellationToken::new();
            let fence = script.entered.max(claim.least + 1);
            script.fence = fence;
            Ok(Some(Box::new(Inside { of: self.clone(), fence }) as Box<dyn Entered>))
        };
        entering.boxed()
    }

    fn holder<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Option<Holder>, LockError>> {
        let script = self.script();
        let holder = script.holder.clone().map(|owner| Holder {
            pid: std::process::id() + u32::from(owner != "ourselves"),
            host: crate::lock::host_name(),
            owner,
            since: jiff::Timestamp::UNIX_EPOCH,
            remaining: None,
        });
        ready(if script.fails { Err(Self::failure(resource)) } else { Ok(holder) }).boxed()
    }

    fn revoke<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<bool, LockError>> {
        ready(Ok(false)).boxed()
    }

    fn back(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

impl Entered for Inside {
    fn fence(&self) -> u64 {
        self.fence
    }

    fn remaining(&self) -> Option<Duration> {
        self.of.script().life
    }

    fn lost(&self) -> CancellationToken {
        self.of.script().lost.clone()
    }

    fn confirm(&self) -> BoxFuture<'_, Result<(), LockError>> {
        ready(if self.of.script().fails { Err(Scripted::failure("")) } else { Ok(()) }).boxed()
    }

    fn leave(self: Box<Self>) -> BoxFuture<'static, Result<(), LockError>> {
        let leaving = async move {
            let takes = self.of.script().leave_takes;
            if !takes.is_zero() {
                sleep(takes).await;
            }
            let fails = self.of.script().fails;
            if fails { Err(Scripted::failure("")) } else { Ok(()) }
        };
        leaving.boxed()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.of.script().inside = false;
    }
}
