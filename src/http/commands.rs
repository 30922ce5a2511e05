//! Commands, from a request to what became of them: the same way for GivTCP's routes and for ours.

use axum::body::Bytes;
use axum::extract::{FromRequest, Query, Request};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Problem;
use super::plants::Shared;
use super::who::{self, Access};
use crate::control::{Amount, By, Command, Order, Outcome, Planned, Report, Touched, Unit};
use crate::frame::Serial;

/// No body is longer, bytes; the longest good one has some 100.
pub(super) const LONGEST_BODY: usize = 4096;

/// How a command is meant.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct How {
    /// Whether it is only to be told what would be written.
    #[serde(default, deserialize_with = "as_switch")]
    #[param(value_type = Option<SwitchWord>, inline)]
    dry_run: bool,
}

/// Yes or no, as payloads have it.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SwitchWord {
    True,
    False,
    #[serde(rename = "1")]
    One,
    #[serde(rename = "0")]
    Zero,
    On,
    Off,
    Enable,
    Disable,
}

fn as_switch<'de, D: serde::Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    let word = SwitchWord::deserialize(from)?;
    Ok(matches!(word, SwitchWord::True | SwitchWord::One | SwitchWord::On | SwitchWord::Enable))
}

/// What came with a command's name, as far as it is the same for all.
pub(super) struct Sent {
    dry_run: bool,
    /// A JSON object, or nothing.
    body: String,
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        // Every request that comes here has passed the guard.
        let access =
            request.extensions().get::<Access>().copied().unwrap_or(Access { bears_token: false, commands: false });
        who::body(access, request.headers())?;
        let query = Query::<How>::try_from_uri(request.uri());
        let Query(How { dry_run }) = query.map_err(|rejection| Problem::bad(rejection.body_text()))?;
        let body = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let why = format!("a command's body has at most {LONGEST_BODY} bytes");
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", why)
            }
            _ => Problem::bad("the body did not arrive whole"),
        })?;
        let body = std::str::from_utf8(&body).map_err(|_| Problem::bad("the body must be UTF-8"))?.trim();
        if !body.is_empty() && !body.starts_with('{') {
            return Err(Problem::bad(
                "the body must be a JSON object; docs/api.md and docs/control.md say what is in it",
            ));
        }
        Ok(Self { dry_run, body: body.to_owned() })
    }
}

impl Sent {
    /// What was sent, where it is no command of an inverter; `like` is how it looks.
    ///
    /// # Errors
    /// It does not look so.
    pub(super) fn parse<T: serde::de::DeserializeOwned>(&self, like: &str) -> Result<T, Problem> {
        serde_json::from_str(&self.body).map_err(|error| Problem::bad(format!("the body must be like {like}: {error}")))
    }
}

/// Gives a command to the inverter at `place`, and waits for what becomes of it, at most nine seconds. `inverter` is whose
/// command it is, where it was said by a serial number.
///
/// # Errors
/// What of it is no command.
pub(super) async fn give(
    shared: &Shared,
    place: usize,
    inverter: Option<Serial>,
    by: By,
    command: &str,
    sent: Sent,
) -> Result<Report, Problem> {
    let Sent { dry_run, body } = sent;
    let order = Order::parse(command, &body, by).map_err(|fault| Problem::bad(fault.to_string()))?;
    let order = Order { dry_run: dry_run || order.dry_run, inverter, ..order };
    if order.command == Command::RestartProgram {
        return Ok(restart(shared, by, order.dry_run));
    }
    let plant = shared.plants.get(place).ok_or_else(|| Problem::absent("there is no such inverter"))?;
    Ok(plant.orders.give(order).await)
}

/// Ends the program in good order, to begin anew. Its answer is still sent.
fn restart(shared: &Shared, by: By, dry_run: bool) -> Report {
    let asked = Command::RestartProgram.to_string();
    if dry_run {
        return Report::new(asked, Outcome::Planned);
    }
    tracing::info!("a restart is asked for (by {})", by.name());
    shared.restart.cancel();
    Report::new(asked, Outcome::Applied)
}

/// The status of an answer that tells this.
pub(super) fn status(outcome: &Outcome) -> StatusCode {
    match outcome {
        Outcome::Applied | Outcome::Unchanged | Outcome::Clamped { .. } | Outcome::Planned => StatusCode::OK,
        // The inverter, or what it does now, is in the way of it.
        Outcome::Rejected { .. } => StatusCode::CONFLICT,
        Outcome::Unreachable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Outcome::Refused { code, .. } => match &**code {
            "disabled" => StatusCode::FORBIDDEN,
            "budget" | "busy" => StatusCode::TOO_MANY_REQUESTS,
            "stopping" | "unread" | "not_known" | "not_kept" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::CONFLICT,
        },
    }
}

/// What became of a command: the same as [`Report`] as JSON, told in one piece.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandReport {
    /// What was asked for, in words.
    #[schema(example = "reserve 20 %")]
    asked: String,
    /// How it went.
    #[schema(value_type = OutcomeWord)]
    outcome: &'static str,
    /// Why it was refused, as a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Why it was not done, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// What there is in place of what was asked for, in the unit of `amount`; of a command that was clamped.
    #[serde(skip_serializing_if = "Option::is_none")]
    achieved: Option<i64>,
    /// Which register the inverter rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    register: Option<u16>,
    /// What that register is.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<String>,
    /// What it should hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted: Option<u16>,
    /// What it holds, as far as that could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<u16>,
    /// The registers that were written, in their order.
    registers: Vec<TouchedItem>,
    /// What was asked for and what there is, where rounding or a limit comes between.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<AmountItem>,
    /// Whether all that was written before a failure holds again what it held.
    #[serde(skip_serializing_if = "Option::is_none")]
    put_back: Option<bool>,
    /// What whoever asked should know besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// What would be written, of a dry run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plan: Vec<PlannedItem>,
}

/// How a command went.
#[derive(Clone, Copy, Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the words of an outcome, for the document")]
pub(super) enum OutcomeWord {
    /// Done, and read back.
    Applied,
    /// It was so already.
    Unchanged,
    /// Done as far as the inverter can.
    Clamped,
    /// The inverter did not take it.
    Rejected,
    /// Not begun.
    Refused,
    /// The inverter could not be reached, or not to the end.
    Unreachable,
    /// A dry run.
    Planned,
}

/// A register that was written.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TouchedItem {
    /// Which holding register.
    register: u16,
    /// What it is.
    what: String,
    /// What it held.
    before: Option<u16>,
    /// What it holds now, as far as it could be read.
    after: Option<u16>,
}

/// A write of a dry run.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlannedItem {
    /// Which holding register.
    register: u16,
    /// What it would hold.
    value: u16,
    /// What that does.
    meaning: String,
}

/// A quantity as it was asked for, and as there is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AmountItem {
    /// As it was asked for.
    asked: i64,
    /// As there is after rounding and limits.
    achieved: i64,
    /// `W` or `%`.
    #[schema(example = "W")]
    unit: &'static str,
}

impl From<Report> for CommandReport {
    fn from(report: Report) -> Self {
        let Report { asked, outcome, registers, amount, put_back, notes, plan, id: _ } = report;
        let touched = |Touched { register, what, before, after }: Touched| TouchedItem {
            register,
            what: what.into_owned(),
            before,
            after,
        };
        let planned = |Planned { register, value, meaning }: Planned| PlannedItem {
            register,
            value,
            meaning: meaning.into_owned(),
        };
        let all = Self {
            asked,
            outcome: outcome.word(),
            code: None,
            why: None,
            achieved: None,
            register: None,
            what: None,
            wanted: None,
            holds: None,
            registers: registers.into_iter().map(touched).collect(),
            amount: amount.map(AmountItem::from),
            put_back,
            notes: notes.into_iter().map(std::borrow::Cow::into_owned).collect(),
            plan: plan.into_iter().map(planned).collect(),
        };
        match outcome {
            Outcome::Applied | Outcome::Unchanged | Outcome::Planned => all,
            Outcome::Clamped { achieved } => Self { achieved: Some(achieved), ..all },
            Outcome::Rejected { register, what, wanted, holds, why } => Self {
                register: Some(register),
                what: Some(what.into_owned()),
                wanted: Some(wanted),
                holds,
                why: Some(why),
                ..all
            },
            Outcome::Refused { code, why } => Self { code: Some(code.into_owned()), why: Some(why), ..all },
            Outcome::Unreachable { why } => Self { why: Some(why), ..all },
        }
    }
}

/// A unit as people write it.
pub(super) const fn symbol(unit: Unit) -> &'static str {
    match unit {
        Unit::Watts => "W",
        Unit::Percent => "%",
    }
}

impl From<Amount> for AmountItem {
    fn from(Amount { asked, achieved, unit }: Amount) -> Self {
        Self { asked, achieved, unit: symbol(unit) }
    }
}
