// What the page knows, kept current: one stream (or poll) of the chosen inverter's values, and what belongs to it.

import { useEffect, useReducer } from "preact/hooks";
import { NoStream, stream } from "./stream";
import { Trouble, get, now, words } from "./api";
import { Values } from "./values";
import type { Control, Happening, Health, OverrideList, Plant, SnapshotBody } from "./types";

/** How often values are asked for where they are not streamed, ms. */
const POLL = 5_000;
/** How often the rest is asked for, ms. */
const REST = 15_000;
/** A stream that says nothing for so long is dead, ms: it says that it lives every 15 s. */
const SILENT = 40_000;
/** The shortest rest between two attempts, ms; it doubles with each that fails. */
const SHORTEST_REST = 1_000;
/** The longest rest between two attempts, ms. */
const LONGEST_REST = 5_000;

/** Everything that is shown. */
export class Live {
  plants: Plant[] | undefined;
  /** How the chosen inverter is asked for: its serial number, or its number while that is unknown. */
  chosen: string | undefined;
  values: Values | undefined;
  controls: Control[] | undefined;
  overrides: OverrideList | undefined;
  /** When the overrides were told, by the program's clock, ms. */
  overridesAt = 0;
  happenings: Happening[] | undefined;
  health: Health | undefined;
  /** Why nothing new arrives. */
  lost: string | undefined;
  /** Why there are no values of an inverter that can be asked about. */
  silent: string | undefined;

  private watchers = new Set<() => void>();
  private stop: AbortController | undefined;
  private settingsSeen = "";
  private noHealth = false;
  private rest = SHORTEST_REST;

  subscribe(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  private changed() {
    this.watchers.forEach((watcher) => watcher());
  }

  /** Begins, or begins anew: after a token was given, or the page is seen again. */
  start() {
    this.stop?.abort();
    const stop = new AbortController();
    this.stop = stop;
    this.noHealth = false;
    void this.follow(stop.signal);
    void this.keepRest(stop.signal);
  }

  /** Asks for nothing until `start`. */
  pause() {
    this.stop?.abort();
    this.stop = undefined;
  }

  /** Shows another inverter. */
  choose(plant: string) {
    if (plant === this.chosen) return;
    this.chosen = plant;
    this.values = this.controls = this.overrides = this.health = this.silent = undefined;
    this.settingsSeen = "";
    this.changed();
    this.start();
  }

  /** The chosen one among the plants. */
  get plant(): Plant | undefined {
    return this.plants?.find((plant) => plant.serial === this.chosen || String(plant.number) === this.chosen);
  }

  /** How old the values are, s. */
  get age(): number | undefined {
    const told = Date.parse(this.values?.body.last_updated ?? "");
    return Number.isNaN(told) ? undefined : Math.max(0, (now() - told) / 1000);
  }

  /** Whether the values are too old to be taken for the present: three polls have told nothing new. */
  get stale(): boolean {
    const between = this.values?.number("Stats/Time_Since_Last_Update") ?? 0;
    return this.values !== undefined && (this.age ?? 0) > Math.max(30, 3 * Math.min(between, 3600));
  }

  /** Reads what a command may have changed. */
  async refresh() {
    if (!this.chosen) return;
    const plant = this.chosen;
    await Promise.all([this.readSettings(plant), this.readSnapshot(plant).catch(() => undefined)]);
  }

  /** Follows the chosen inverter until `signal`. */
  private async follow(signal: AbortSignal) {
    this.rest = SHORTEST_REST;
    while (!signal.aborted) {
      try {
        await this.readPlants(signal);
        if (this.chosen) await this.followPlant(this.chosen, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Trouble && error.status === 503 && error.code === "no_data") {
          this.silent = words(error);
          this.lost = undefined;
        } else {
          this.lost = error instanceof Trouble && error.status === 401 ? "givtcp asks for its token" : words(error);
        }
        this.changed();
      }
      await pause(this.rest, signal);
      this.rest = Math.min(this.rest * 2, LONGEST_REST);
    }
  }

  private async followPlant(plant: string, signal: AbortSignal) {
    // Both at once would tell the same twice; the first answer is what shows that there is anything.
    await this.readSnapshot(plant, signal);
    await this.readSettings(plant);
    try {
      await this.listen(plant, signal);
    } catch (error) {
      if (!(error instanceof NoStream)) throw error;
      for (;;) {
        await pause(POLL, signal);
        if (signal.aborted) return;
        await this.readSnapshot(plant, signal);
      }
    }
  }

  /** Takes the values as they come, until the stream ends or falls silent. */
  private async listen(plant: string, signal: AbortSignal) {
    const silence = new AbortController();
    let alarm = 0;
    const alive = () => {
      clearTimeout(alarm);
      alarm = window.setTimeout(() => silence.abort(), SILENT);
    };
    alive();
    try {
      await stream(
        `plants/${encodeURIComponent(plant)}/snapshot`,
        AbortSignal.any([signal, silence.signal]),
        ({ event, data }) => {
          if (event === "snapshot") this.take(JSON.parse(data) as SnapshotBody);
        },
        alive,
      );
    } finally {
      clearTimeout(alarm);
    }
  }

  private async readPlants(signal?: AbortSignal) {
    const { plants } = await get<{ plants: Plant[] }>("plants", signal);
    this.plants = plants;
    const wanted = decodeURIComponent(location.hash.replace(/^#inverter=/, ""));
    if (!this.plant) {
      const first = plants.find((plant) => nameOf(plant) === (this.chosen ?? wanted)) ?? plants[0];
      this.chosen = first && nameOf(first);
    }
    this.changed();
  }

  private async readSnapshot(plant: string, signal?: AbortSignal) {
    const body = await get<SnapshotBody>(`plants/${encodeURIComponent(plant)}/snapshot`, signal);
    if (plant === this.chosen) this.take(body);
  }

  private take(body: SnapshotBody) {
    this.values = new Values(body);
    this.lost = this.silent = undefined;
    this.rest = SHORTEST_REST;
    this.changed();
    // What is set is asked for again when it shows that it changed.
    const settings = JSON.stringify(body.values.filter(({ path }) => /^(Control|Timeslots)\//.test(path)));
    const before = this.settingsSeen;
    this.settingsSeen = settings;
    if (before !== "" && before !== settings && this.chosen) void this.readSettings(this.chosen);
  }

  private async readSettings(plant: string) {
    const base = `plants/${encodeURIComponent(plant)}`;
    const [controls, overrides] = await Promise.all([
      get<{ controls: Control[] }>(`${base}/controls`).catch(() => undefined),
      get<OverrideList>(`${base}/overrides`).catch(() => undefined),
    ]);
    if (plant !== this.chosen) return;
    if (controls) this.controls = controls.controls;
    if (overrides) {
      this.overrides = overrides;
      this.overridesAt = now();
    }
    this.changed();
  }

  /** Reads what changes seldom, now and then. */
  private async keepRest(signal: AbortSignal) {
    while (!signal.aborted) {
      await this.readRest(signal);
      await pause(this.chosen ? REST : 500, signal);
    }
  }

  private async readRest(signal: AbortSignal) {
    const plant = this.chosen;
    if (!plant) return;
    const quiet = () => undefined;
    await this.readPlants(signal).catch(quiet);
    const events = await get<{ events: Happening[] }>("events", signal).catch(quiet);
    if (events) this.happenings = events.events;
    if (!this.noHealth) {
      const health = await get<Health>(`plants/${encodeURIComponent(plant)}/health`, signal).catch((error: unknown) => {
        this.noHealth = error instanceof Trouble && error.status === 404;
        return undefined;
      });
      if (plant === this.chosen) this.health = health;
    }
    this.changed();
  }
}

/** How an inverter is asked for. */
export function nameOf(plant: Plant): string {
  return plant.serial ?? String(plant.number);
}

/** Shows again whenever anything changed, and every second, since ages grow. */
export function useLive(live: Live) {
  const [, again] = useReducer<number, void>((count) => count + 1, 0);
  useEffect(() => live.subscribe(() => again()), [live]);
  useEffect(() => {
    const timer = setInterval(() => again(), 1_000);
    return () => clearInterval(timer);
  }, []);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
