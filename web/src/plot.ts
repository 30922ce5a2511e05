// uPlot, dressed for this page: colours from the style sheet, gaps where nothing was recorded, zoom by dragging.

import uPlot from "uplot";
import { number } from "./format";
import type { History } from "./types";

/** How one series is drawn. */
export interface Line {
  name: string;
  label: string;
  /** The custom property of its colour, `--sun`. */
  colour: string;
  unit: string;
  bars?: boolean;
}

/** What a plot needs. */
export interface Plan {
  lines: Line[];
  height: number;
  /** Plots of one group show the same moment under the cursor. */
  group?: string;
  /** The least and the most of the upright axis; by the data otherwise. */
  range?: [number, number];
  /** Whether the level axis counts days rather than moments. */
  days?: boolean;
  onZoom?: (from: number, to: number) => void;
  /** Called with the place under the cursor, or null. */
  onCursor?: (place: number | null) => void;
}

/** Times, and for each line its values; null where there is none. */
export type Table = [number[], ...(number | null)[][]];

/** Puts series of their own times beside each other. Where more than a step and a half is missing there is a gap. */
export function table(history: History, names: string[]): Table {
  const series = names.map((name) => new Map(history.series.find((one) => one.name === name)?.points.map(([at, mean]) => [at, mean])));
  const times = [...new Set(series.flatMap((one) => [...one.keys()]))].sort((a, b) => a - b);
  const width = history.step_seconds * 1.5;
  const gapped = times.flatMap((time, place) => {
    const before = times[place - 1];
    return before !== undefined && time - before > width ? [before + history.step_seconds, time] : [time];
  });
  return [gapped, ...series.map((one) => gapped.map((time) => one.get(time) ?? null))];
}

/** Between ticks of the time, s: a minute at least, which is what moments are told by. */
const STEPS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, ...[1, 2, 5, 10, 30, 90, 365].map((days) => days * 86_400)];

/** Draws into an element, until `destroy`. */
export function plot(into: HTMLElement, data: Table, plan: Plan): uPlot {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
  const unit = plan.lines[0]?.unit ?? "";
  return new uPlot(
    {
      width: Math.max(200, into.clientWidth),
      height: plan.height,
      legend: { show: false },
      scales: {
        x: { time: true, ...(plan.days ? { range: (_, from, to) => [from - 43_200, to + 43_200] } : {}) },
        y: plan.range ? { range: plan.range } : { range: (_, least, most) => room(least, most) },
      },
      cursor: {
        sync: plan.group ? { key: plan.group, setSeries: false } : undefined,
        drag: { x: plan.onZoom !== undefined, y: false, setScale: false },
        y: false,
      },
      axes: [
        { ...axis, space: 60, ...(plan.days ? { values: dayNames, splits: midnights } : { values: moments, incrs: STEPS }) },
        { ...axis, size: 56, values: (_, splits) => splits.map((split) => `${number(split)}${unit === "%" ? " %" : ""}`) },
      ],
      series: [
        {},
        ...plan.lines.map((line) => ({
          label: line.label,
          stroke: colour(line.colour),
          width: 1.5,
          spanGaps: false,
          points: { show: false },
          ...(line.bars
            ? { fill: colour(line.colour), width: 0, paths: uPlot.paths.bars?.({ size: [0.7, 40], align: 0 }) }
            : {}),
        })),
      ],
      hooks: {
        setSelect: [
          (self) => {
            const { left, width } = self.select;
            if (width < 8) return;
            plan.onZoom?.(self.posToVal(left, "x"), self.posToVal(left + width, "x"));
            self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
        setCursor: [(self) => plan.onCursor?.(self.cursor.idx ?? null)],
      },
    },
    data,
    into,
  );
}

/** Some room above and below, and zero always in sight. */
function room(least: number | null, most: number | null): [number, number] {
  const low = Math.min(0, least ?? 0);
  const high = Math.max(0, most ?? 0);
  const reach = Math.max(high - low, 0.1);
  return [low < 0 ? low - reach * 0.05 : 0, high + reach * 0.08];
}

/** Days as the axis' splits, few enough to be read. */
function midnights(self: uPlot): number[] {
  const days = Array.from(self.data[0]);
  const every = Math.max(1, Math.ceil(days.length / Math.max(1, Math.floor(self.width / 64))));
  return days.filter((_, place) => (days.length - 1 - place) % every === 0);
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

function dayNames(_: uPlot, splits: number[]): string[] {
  return splits.map((split) => DAY.format(new Date(split * 1000)));
}

/** The time of day, and where a day begins its date. */
function moments(_: uPlot, splits: number[]): string[] {
  return splits.map((split) => {
    const date = new Date(split * 1000);
    return date.getHours() === 0 && date.getMinutes() === 0 ? DAY.format(date) : CLOCK.format(date);
  });
}
