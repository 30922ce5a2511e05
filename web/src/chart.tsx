// One chart with its readable values: under the cursor, by arrow keys, or else the newest.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import { amount } from "./format";
import { type Plan, type Table, plot } from "./plot";

/** A chart. Arrow keys move the cursor; what lies there stands above it, and is said aloud. */
export function Chart(props: { title: string; data: Table; plan: Plan; at: (seconds: number) => string; keys?: (key: string) => boolean }) {
  const { title, data, plan, at } = props;
  const into = useRef<HTMLDivElement>(null);
  const drawn = useRef<uPlot | undefined>(undefined);
  const [place, setPlace] = useState<number | null>(null);
  const scheme = useScheme();
  const shape = JSON.stringify([plan.lines, plan.height, plan.range, scheme]);
  const onCursor = useMemo(() => (found: number | null) => setPlace(found), []);

  useEffect(() => {
    if (!into.current) return;
    const made = plot(into.current, data, { ...plan, onCursor });
    drawn.current = made;
    const watch = new ResizeObserver(([entry]) => {
      if (entry) made.setSize({ width: Math.max(200, Math.floor(entry.contentRect.width)), height: plan.height });
    });
    watch.observe(into.current);
    return () => {
      watch.disconnect();
      made.destroy();
      drawn.current = undefined;
    };
  }, [shape]);
  useEffect(() => drawn.current?.setData(data), [data]);

  const times = data[0];
  const shown = Math.min(place ?? newest(data), times.length - 1);
  const move = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -times.length, End: times.length };
    const step = steps[event.key];
    if (step === undefined) {
      if (props.keys?.(event.key)) event.preventDefault();
      return;
    }
    event.preventDefault();
    const next = Math.min(Math.max(shown + step, 0), times.length - 1);
    const self = drawn.current;
    const time = times[next];
    if (self && time !== undefined) self.setCursor({ left: self.valToPos(time, "x"), top: 1 });
    setPlace(next);
  };
  const moment = times[shown];
  return (
    <div class="chart">
      <div class="readout" aria-live={place === null ? "off" : "polite"}>
        <strong>{title}</strong>
        {moment !== undefined && <span class="moment">{at(moment)}</span>}
        {plan.lines.map((line, index) => {
          const value = data[index + 1]?.[shown];
          return (
            <span class="reading" key={line.name} data-series={line.name}>
              <i class={`dot of-${line.colour.slice(2)}`} aria-hidden="true" />
              {line.label}{" "}
              <b>{value == null ? "–" : amount(Number(value.toFixed(line.unit === "W" ? 0 : 2)), line.unit)}</b>
            </span>
          );
        })}
      </div>
      <div
        class="canvas"
        ref={into}
        tabIndex={0}
        role="group"
        aria-label={`${title}: chart. Arrow keys read it${plan.onZoom ? ", plus and minus zoom, 0 shows everything" : ""}.`}
        onKeyDown={move}
      />
    </div>
  );
}

/** The last place where anything stands. */
function newest(data: Table): number {
  for (let place = data[0].length - 1; place >= 0; place--) {
    if (data.slice(1).some((line) => line[place] != null)) return place;
  }
  return 0;
}

/** Whether it is dark: a chart is drawn anew then. */
function useScheme(): boolean {
  const query = useMemo(() => matchMedia("(prefers-color-scheme: dark)"), []);
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const watch = () => setDark(query.matches);
    query.addEventListener("change", watch);
    return () => query.removeEventListener("change", watch);
  }, [query]);
  return dark;
}
