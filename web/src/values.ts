// Reading a snapshot: values by path, and the few that every family has under another name.

import type { Item, SnapshotBody } from "./types";

/** A snapshot whose values are found by their path. */
export class Values {
  private readonly byPath: Map<string, Item>;

  constructor(readonly body: SnapshotBody) {
    this.byPath = new Map(body.values.map((item) => [item.path, item]));
  }

  get serial(): string {
    return this.body.serial;
  }

  item(path: string): Item | undefined {
    return this.byPath.get(path);
  }

  /** The number at a path; absent if it is no number or was not read. */
  number(path: string): number | undefined {
    const value = this.byPath.get(path)?.value;
    return typeof value === "number" ? value : undefined;
  }

  text(path: string): string | undefined {
    const value = this.byPath.get(path)?.value;
    return value === undefined ? undefined : String(value);
  }

  /** Everything below a path, with what follows it. */
  below(path: string): { name: string; item: Item }[] {
    const start = `${path}/`;
    return this.body.values
      .filter((item) => item.path.startsWith(start))
      .map((item) => ({ name: item.path.slice(start.length), item }));
  }

  /** The first of several paths that was read. */
  first(...paths: string[]): string | undefined {
    return paths.find((path) => this.byPath.has(path));
  }
}

/** Where the four powers of a plant stand, and whether the grid's is import positive (plant controllers alone). */
export interface Powers {
  sun?: string;
  battery?: string;
  house?: string;
  grid?: string;
  gridImportsPositive: boolean;
}

/** Finds the four powers: a plant controller has them under other paths than all others. */
export function powers(values: Values): Powers {
  const grid = values.first("Power/Power/Grid_Power", "Power/Grid_Power");
  return {
    sun: values.first("Power/Power/PV_Power", "Power/Generation_Load_Power"),
    battery: values.first("Power/Power/Battery_Power", "Power/Battery_Power"),
    house: values.first("Power/Power/Load_Power", "Power/Calculated_Load_Power"),
    grid,
    gridImportsPositive: grid === "Power/Grid_Power",
  };
}

/** State of charge in %: the plant's, or the mean of the inverters that a plant controller leads. */
export function soc(values: Values): { path?: string; value: number } | undefined {
  const own = values.number("Power/Power/SOC");
  if (own !== undefined) return { path: "Power/Power/SOC", value: own };
  const led = values
    .below("Inverters")
    .filter(({ name, item }) => /^[^/]+\/SOC$/.test(name) && typeof item.value === "number")
    .map(({ item }) => item.value as number);
  if (led.length === 0) return undefined;
  return { value: Math.round(led.reduce((sum, value) => sum + value, 0) / led.length) };
}
