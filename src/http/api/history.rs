//! What was.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Problem, Shared, json, which};
use crate::frame::Serial;
use crate::history::{Cell, Day, History, Point, Range, SERIES, Series, Step, Unknown};

/// Without `from` so much is told, s.
const USUAL: i64 = 86_400;
/// No more days of energy are told.
const MOST_DAYS: i32 = 4000;

/// What is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Names of series with commas between them; without it all.
    #[param(example = "soc,battery_power")]
    series: Option<String>,
    /// The first moment; without it a day before `to`.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Where it ends; without it now.
    #[param(format = DateTime)]
    to: Option<String>,
    /// Between points: `auto`, `1m`, `5m`, `1h` or `1d`.
    #[param(example = "auto")]
    step: Option<String>,
}

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WantedDays {
    /// The first; without it 30 days before `to`.
    #[param(format = Date)]
    from: Option<String>,
    /// The last; without it today.
    #[param(format = Date)]
    to: Option<String>,
}

/// What was.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Past {
    serial: String,
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    to: String,
    /// Between points, s.
    step_seconds: i64,
    series: Vec<PastSeries>,
}

/// One value over time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PastSeries {
    name: &'static str,
    unit: &'static str,
    /// Of each time its beginning in epoch seconds, mean, least and greatest value. A time without data has none.
    #[schema(value_type = Vec<Vec<f64>>)]
    points: Vec<(i64, f64, f64, f64)>,
}

/// Which series there are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SeriesList {
    series: Vec<SeriesItem>,
}

/// A value that is kept over time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SeriesItem {
    name: &'static str,
    unit: &'static str,
    description: &'static str,
}

/// The energy of some days.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DayList {
    serial: String,
    /// In order; days of which nothing is known are left out.
    days: Vec<DayItem>,
}

/// The energy of a day, kWh; absent where it is not known.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DayItem {
    #[schema(format = Date)]
    date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pv: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    export: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    load: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    charge: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discharge: Option<f64>,
    /// What was paid for the import, in the currency of the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<f64>,
}

/// An answer before it has a form.
struct Answer {
    serial: Serial,
    range: Range,
    series: Vec<usize>,
    points: Vec<Point>,
}

/// What an inverter did
///
/// Means and extremes of the main values over time, at most 2016 points a series. A time without data has no point.
#[utoipa::path(
    get,
    path = "/api/v1/plants/{plant}/history",
    tag = "history",
    params(("plant" = String, Path, description = "Number from 1, or serial number.", example = "1"), Wanted),
    responses((status = 200, description = "It.", body = Past))
)]
pub(super) async fn points(
    State(shared): State<Arc<Shared>>,
    Path(plant): Path<String>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Answer { serial, range, series, points } = asked(&shared, &plant, query).await?;
    let of = |(column, series): (usize, &Series)| PastSeries {
        name: series.name,
        unit: series.unit,
        points: points
            .iter()
            .filter_map(|(at, cells)| shown(*at, cells.get(column).copied().flatten()?, series))
            .collect(),
    };
    let past = Past {
        serial: serial.to_string(),
        from: moment(range.from),
        to: moment(range.to),
        step_seconds: range.step,
        series: series.iter().filter_map(|place| SERIES.get(*place)).enumerate().map(of).collect(),
    };
    Ok(json(StatusCode::OK, &past))
}

/// The same as a table
///
/// CSV: a row a time, with its beginning, and the mean of each series in a column.
#[utoipa::path(
    get,
    path = "/api/v1/plants/{plant}/history.csv",
    tag = "history",
    params(("plant" = String, Path, description = "Number from 1, or serial number.", example = "1"), Wanted),
    responses((status = 200, description = "It.", content_type = "text/csv", body = String))
)]
pub(super) async fn csv(
    State(shared): State<Arc<Shared>>,
    Path(plant): Path<String>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Answer { series, points, .. } = asked(&shared, &plant, query).await?;
    let known: Vec<&Series> = series.iter().filter_map(|place| SERIES.get(*place)).collect();
    let mut text = "time".to_owned();
    for series in &known {
        text += ",";
        text += series.name;
    }
    text += "\r\n";
    for (at, cells) in &points {
        text += &moment(*at);
        for (cell, series) in cells.iter().zip(&known) {
            text += ",";
            if let Some((_, mean, ..)) = cell.and_then(|cell| shown(*at, cell, series)) {
                text += &mean.to_string();
            }
        }
        text += "\r\n";
    }
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    let name = (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"history.csv\""));
    Ok((StatusCode::OK, [kind, name], text).into_response())
}

/// Which values are kept over time
#[utoipa::path(
    get,
    path = "/api/v1/plants/{plant}/history/series",
    tag = "history",
    params(("plant" = String, Path, description = "Number from 1, or serial number.", example = "1")),
    responses((status = 200, description = "They.", body = SeriesList))
)]
pub(super) async fn series(State(shared): State<Arc<Shared>>, Path(plant): Path<String>) -> Result<Response, Problem> {
    which(&shared, &plant)?;
    let item = |series: &Series| SeriesItem { name: series.name, unit: series.unit, description: series.description };
    Ok(json(StatusCode::OK, &SeriesList { series: SERIES.iter().map(item).collect() }))
}

/// The energy of each day
#[utoipa::path(
    get,
    path = "/api/v1/plants/{plant}/energy",
    tag = "history",
    params(("plant" = String, Path, description = "Number from 1, or serial number.", example = "1"), WantedDays),
    responses((status = 200, description = "It.", body = DayList))
)]
pub(super) async fn energy(
    State(shared): State<Arc<Shared>>,
    Path(plant): Path<String>,
    query: Result<Query<WantedDays>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wanted) = query.map_err(|rejection| Problem::bad(rejection.body_text()))?;
    let (history, serial) = (history(&shared)?, serial(&shared, &plant).await?);
    let to = wanted.to.map_or(Ok(history.today()), |text| date("to", &text))?;
    let from = wanted.from.map_or_else(
        || to.checked_sub(30.days()).map_err(|_| Problem::bad("to is too early")),
        |text| date("from", &text),
    )?;
    if from > to {
        return Err(Problem::bad("from must not be after to"));
    }
    if (to - from).get_days() > MOST_DAYS {
        return Err(Problem::bad(format!("at most {MOST_DAYS} days are told: ask for less")));
    }
    let days = history.days(serial, from, to).await.map_err(unknown)?;
    let days = days.into_iter().map(|(date, day)| DayItem::of(date, &day)).collect();
    Ok(json(StatusCode::OK, &DayList { serial: serial.to_string(), days }))
}

async fn asked(shared: &Shared, plant: &str, query: Result<Query<Wanted>, QueryRejection>) -> Result<Answer, Problem> {
    let Query(wanted) = query.map_err(|rejection| Problem::bad(rejection.body_text()))?;
    let (history, serial) = (history(shared)?, serial(shared, plant).await?);
    let series = match &wanted.series {
        None => (0..SERIES.len()).collect(),
        Some(names) => names.split(',').map(named).collect::<Result<Vec<_>, _>>()?,
    };
    if series.len() > SERIES.len() {
        return Err(Problem::bad("series names one twice"));
    }
    let step = match &wanted.step {
        None => Step::Auto,
        Some(text) => Step::NAMES
            .iter()
            .find(|(name, _)| name == text)
            .map(|(_, step)| *step)
            .ok_or_else(|| Problem::bad("step must be auto, 1m, 5m, 1h or 1d"))?,
    };
    let now = history.now();
    let to = wanted.to.map_or(Ok(now), |text| second("to", &text))?;
    let from = wanted.from.map_or(Ok(to - USUAL), |text| second("from", &text))?;
    let range = Range::new(from, to, step, now).map_err(Problem::bad)?;
    let points = history.points(serial, series.clone(), range).await.map_err(unknown)?;
    Ok(Answer { serial, range, series, points })
}

fn history(shared: &Shared) -> Result<&History, Problem> {
    let none = || Problem::new(StatusCode::NOT_FOUND, "no_history", "no history is kept: history.enabled is false");
    shared.history.as_ref().ok_or_else(none)
}

/// The inverter's serial number, also of one that is not read now, if anything was kept of it.
async fn serial(shared: &Shared, plant: &str) -> Result<Serial, Problem> {
    if plant.parse::<usize>().is_err()
        && let Ok(serial) = plant.parse()
        && shared.place(plant).is_none()
        && history(shared)?.knows(serial).await.map_err(unknown)?
    {
        return Ok(serial);
    }
    let place = which(shared, plant)?.place;
    shared.snapshot(place).map(|snapshot| snapshot.identity.serial).ok_or_else(Problem::no_data)
}

fn named(name: &str) -> Result<usize, Problem> {
    Series::find(name).ok_or_else(|| {
        let all: Vec<_> = SERIES.iter().map(|series| series.name).collect();
        Problem::bad(format!("series must be of {}", all.join(", ")))
    })
}

fn second(what: &str, text: &str) -> Result<i64, Problem> {
    let at = text.parse::<Timestamp>().map(Timestamp::as_second);
    at.map_err(|_| Problem::bad(format!("{what} must be a time, as 2026-06-05T08:00:00Z")))
}

fn date(what: &str, text: &str) -> Result<Date, Problem> {
    text.parse().map_err(|_| Problem::bad(format!("{what} must be a date, as 2026-06-05")))
}

fn moment(at: i64) -> String {
    Timestamp::from_second(at).map(|at| at.to_string()).unwrap_or_default()
}

fn shown(at: i64, cell: Cell, series: &Series) -> Option<(i64, f64, f64, f64)> {
    let (mean, min, max) = series.values(cell)?;
    Some((at, mean, min, max))
}

fn unknown(why: Unknown) -> Problem {
    tracing::debug!("history: {why}");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "history_unavailable", why.to_string())
}

impl DayItem {
    fn of(date: Date, day: &Day) -> Self {
        let [pv, import, export, load, charge, discharge] = day.energies.map(|wh| wh.map(|wh| wh as f64 / 1000.0));
        let cost = day.cost.map(|cost| cost as f64 / 100.0);
        Self { date: date.to_string(), pv, import, export, load, charge, discharge, cost }
    }
}
