// What was: power and state of charge over the last day or month, and the energy of each day.

import { useEffect, useMemo, useState } from "preact/hooks";
import { Trouble, get, now, words } from "./api";
import { Chart } from "./chart";
import { number } from "./format";
import { type Line, type Table, table } from "./plot";
import { Card } from "./show";
import type { Day, History as Past } from "./types";

const HOUR = 3600;
const SPANS: [string, number][] = [
  ["24 hours", 24 * HOUR],
  ["7 days", 7 * 24 * HOUR],
  ["30 days", 30 * 24 * HOUR],
];
/** Nothing shorter is shown, s: values are kept by the minute. */
const SHORTEST = 15 * 60;
/** How often the newest part is asked for, ms. */
const AGAIN = 60_000;
/** The same where it could not be told, ms: a moment later another process may have the inverter. */
const SOONER = 15_000;

const POWER: Line[] = [
  { name: "pv_power", label: "Sun", colour: "--sun", unit: "W" },
  { name: "load_power", label: "House", colour: "--house", unit: "W" },
  { name: "battery_power", label: "Battery (+ discharges)", colour: "--battery", unit: "W" },
  { name: "grid_power", label: "Grid (+ exports)", colour: "--grid", unit: "W" },
];
const SOC: Line[] = [{ name: "soc", label: "State of charge", colour: "--battery", unit: "%" }];

/** What part of the past is shown, epoch seconds; without `from` and `to` the newest. */
interface View {
  span: number;
  from?: number;
  to?: number;
}

/** All charts of an inverter. */
export function History({ plant }: { plant: string }) {
  return (
    <Card id="history" title="History" wide>
      <Moments plant={plant} />
      <Days plant={plant} />
    </Card>
  );
}

/** Power and state of charge. */
function Moments({ plant }: { plant: string }) {
  const [view, setView] = useState<View>({ span: 24 * HOUR });
  const { data: past, problem } = useAsked(
    () => {
      const [from, to] = edges(view);
      const names = [...POWER, ...SOC].map(({ name }) => name).join(",");
      const query = new URLSearchParams({ series: names, from: iso(from), to: iso(to), step: "auto" });
      return get<Past>(`plants/${encodeURIComponent(plant)}/history?${query}`);
    },
    [plant, view.span, view.from, view.to],
    view.from === undefined,
  );
  const power = useMemo(() => past && table(past, POWER.map(({ name }) => name)), [past]);
  const soc = useMemo(() => past && table(past, SOC.map(({ name }) => name)), [past]);

  const zoom = (factor: number, shift = 0) => setView(zoomed(view, factor, shift));
  const onZoom = (from: number, to: number) => setView({ ...view, ...atLeast(Math.round(from), Math.round(to)) });
  const keys = (key: string) => {
    if (key === "+" || key === "=") zoom(0.5);
    else if (key === "-") zoom(2);
    else if (key === "0") setView({ span: view.span });
    else return false;
    return true;
  };
  if (problem && !past) return <p class="problem">{problem}</p>;
  const has = (data: Table | undefined): data is Table => data !== undefined && data[0].length > 0;
  return (
    <>
      <div class="tools" role="group" aria-label="What part of the past">
        {SPANS.map(([label, span]) => (
          <button
            key={span}
            type="button"
            aria-pressed={view.span === span && view.from === undefined}
            onClick={() => setView({ span })}
          >
            {label}
          </button>
        ))}
        <span class="gap" />
        <button type="button" aria-label="Earlier" onClick={() => zoom(1, -0.5)}>
          ‹
        </button>
        <button type="button" aria-label="Later" disabled={view.from === undefined} onClick={() => zoom(1, 0.5)}>
          ›
        </button>
        <button type="button" aria-label="Zoom in" onClick={() => zoom(0.5)}>
          +
        </button>
        <button type="button" aria-label="Zoom out" disabled={view.from === undefined} onClick={() => zoom(2)}>
          −
        </button>
      </div>
      {problem && <p class="problem">{problem}</p>}
      {!past && !problem && <p class="hint">Reading what was…</p>}
      {past && !has(power) && !has(soc) && <p class="hint">Nothing was recorded in this time yet.</p>}
      {has(power) && (
        <Chart title="Power" data={power} plan={{ lines: POWER, height: 240, group: "moments", onZoom }} at={moment} keys={keys} />
      )}
      {has(soc) && (
        <Chart
          title="Charge"
          data={soc}
          plan={{ lines: SOC, height: 140, group: "moments", range: [0, 100], onZoom }}
          at={moment}
          keys={keys}
        />
      )}
    </>
  );
}

const DAILY: (Line & { name: Exclude<keyof Day, "date"> })[] = [
  { name: "pv", label: "Generated", colour: "--sun", unit: "kWh", bars: true },
  { name: "load", label: "Used", colour: "--house", unit: "kWh", bars: true },
  { name: "import", label: "Imported", colour: "--grid", unit: "kWh", bars: true },
  { name: "export", label: "Exported", colour: "--grid", unit: "kWh", bars: true },
  { name: "charge", label: "Charged", colour: "--battery", unit: "kWh", bars: true },
  { name: "discharge", label: "Discharged", colour: "--battery", unit: "kWh", bars: true },
  { name: "cost", label: "Cost", colour: "--grid", unit: "", bars: true },
];

/** The energy of each of the last 30 days. */
function Days({ plant }: { plant: string }) {
  const [chosen, setChosen] = useState("pv");
  const { data, problem } = useAsked(
    () => {
      const to = day(now());
      const from = day(now() - 29 * 24 * HOUR * 1000);
      return get<{ days: Day[] }>(`plants/${encodeURIComponent(plant)}/energy?${new URLSearchParams({ from, to })}`);
    },
    [plant],
    true,
  );
  const days = data?.days ?? [];
  const known = DAILY.filter(({ name }) => days.some((one) => typeof one[name] === "number"));
  const line = known.find(({ name }) => name === chosen) ?? known[0];
  const bars = useMemo<Table | undefined>(
    () => line && [days.map(({ date }) => Date.parse(`${date}T12:00:00`) / 1000), days.map((one) => one[line.name] ?? null)],
    [data, line?.name],
  );
  if (problem && !data) return null;
  if (!line || !bars) return null;
  return (
    <>
      <h3>Each day</h3>
      <div class="tools" role="group" aria-label="Which energy">
        {known.map(({ name, label }) => (
          <button key={name} type="button" aria-pressed={line.name === name} onClick={() => setChosen(name)}>
            {label}
          </button>
        ))}
      </div>
      <Chart title="Energy per day" data={bars} plan={{ lines: [line], height: 180, days: true }} at={dayOf} />
      <details>
        <summary>As a table</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label="Energy of each day">
          <table>
            <thead>
              <tr>
                <th scope="col">Day</th>
                {known.map(({ name, label, unit }) => (
                  <th scope="col" key={name}>
                    {label}
                    {unit && `, ${unit}`}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {[...days].reverse().map((one) => (
                <tr key={one.date}>
                  <th scope="row">{one.date}</th>
                  {known.map(({ name }) => {
                    const value = one[name];
                    return <td key={name}>{value === undefined || value === null ? "–" : number(value)}</td>;
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}

/** Asks when `about` changes, and again and again if `repeat`, or as long as there is a problem. */
function useAsked<T>(ask: () => Promise<T>, about: unknown[], repeat: boolean) {
  const [state, setState] = useState<{ data?: T; problem?: string }>({});
  const read = async (isOver: () => boolean) => {
    if (document.hidden) return;
    try {
      const data = await ask();
      if (!isOver()) setState({ data });
    } catch (error) {
      const none = error instanceof Trouble && error.status === 404;
      const problem = none ? "This givtcp keeps no history of this inverter." : `What was cannot be shown: ${words(error)}.`;
      if (!isOver()) setState((before) => ({ ...before, problem }));
    }
  };
  useEffect(() => {
    let over = false;
    void read(() => over);
    return () => {
      over = true;
    };
  }, about);
  const rest = state.problem ? SOONER : repeat ? AGAIN : undefined;
  useEffect(() => {
    if (rest === undefined) return;
    let over = false;
    const timer = setInterval(() => void read(() => over), rest);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [...about, rest]);
  return state;
}

/** From and to of a view, epoch seconds. */
function edges(view: View): [number, number] {
  const to = view.to ?? Math.floor(now() / 1000);
  return [view.from ?? to - view.span, to];
}

/** A view scaled about its middle and shifted by a share of its width; whatever would be wider than the span is the newest. */
function zoomed(view: View, factor: number, shift: number): View {
  const [from, to] = edges(view);
  const half = ((to - from) * factor) / 2;
  const middle = (from + to) / 2 + shift * (to - from);
  const newest = now() / 1000;
  const end = Math.min(middle + half, newest);
  if (factor > 1 && half * 2 >= view.span) return { span: view.span };
  if (shift > 0 && end >= newest && half * 2 >= view.span * 0.99) return { span: view.span };
  return { span: view.span, ...atLeast(Math.round(end - half * 2), Math.round(end)) };
}

function atLeast(from: number, to: number): { from: number; to: number } {
  const lacking = Math.max(0, SHORTEST - (to - from)) / 2;
  return { from: Math.round(from - lacking), to: Math.round(to + lacking) };
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}

/** The reader's date, YYYY-MM-DD. */
function day(ms: number): string {
  const date = new Date(ms);
  const two = (part: number) => String(part).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

const MOMENT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "long" });

function moment(seconds: number): string {
  return MOMENT.format(new Date(seconds * 1000));
}

function dayOf(seconds: number): string {
  return DAY.format(new Date(seconds * 1000));
}
