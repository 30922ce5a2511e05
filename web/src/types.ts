// What /api/v1 says, as its OpenAPI document (api/v1/openapi.json) has it. Only what the page reads.

/** One inverter of the settings. */
export interface Plant {
  number: number;
  name: string;
  serial?: string | null;
  model?: string | null;
  online: boolean;
  /** RFC 3339. */
  last_updated?: string | null;
  /** Whether a gateway or plant controller leads it: then it is only read. */
  led?: boolean;
}

/** One published value. */
export interface Item {
  path: string;
  value: number | string | boolean;
  unit?: string;
}

/** Everything that is known of an inverter now. What was not read is not there. */
export interface SnapshotBody {
  serial: string;
  online: boolean;
  /** RFC 3339. */
  last_updated?: string | null;
  values: Item[];
}

/** Something that can be set. */
export interface Control {
  command: string;
  kind: "number" | "select" | "switch" | "time" | "button" | string;
  min?: number;
  max?: number;
  step?: number;
  unit?: string;
  options?: string[];
  /** Where its value stands among the snapshot's. */
  path?: string;
  value?: number | string | null;
  /** Whether the serial number must come with it. */
  confirm: boolean;
}

/** A timed override that runs. */
export interface Override {
  command: string;
  minutes_left: number;
  state?: "running" | "not_shown" | "undoing" | "lost" | string;
  detail?: string;
}

/** Which run, if that is known yet. */
export interface OverrideList {
  known: boolean;
  overrides: Override[];
  /** Where the damaged record lies for whose sake none can be begun. */
  lost?: string;
}

/** What became of a command. */
export interface Report {
  asked?: string;
  outcome?: "applied" | "unchanged" | "clamped" | "rejected" | "refused" | "unreachable" | "planned" | string;
  why?: string | null;
  code?: string | null;
  /** Of a problem that is no outcome. */
  message?: string;
  registers?: { register: number; what: string; before?: number | null; after?: number | null }[];
  amount?: { asked: number; achieved: number; unit: string } | null;
  achieved?: number | null;
  put_back?: boolean | null;
  notes?: string[];
}

/** Something that happened. */
export interface Happening {
  id: string;
  number: number;
  at: string;
  inverter: string;
  kind: string;
  details: Record<string, unknown>;
}

/** Values over time. A time without data has no point. */
export interface History {
  from: string;
  to: string;
  step_seconds: number;
  /** Points are epoch seconds, mean, least, most. */
  series: { name: string; unit?: string; points: [number, number, number, number][] }[];
}

/** Energy of one day, kWh, and what it cost; absent where unknown. */
export interface Day {
  date: string;
  import?: number;
  export?: number;
  pv?: number;
  load?: number;
  charge?: number;
  discharge?: number;
  cost?: number;
}

/** How the connection, its locks and its neighbours are. Every part may be absent. */
export interface Health {
  address?: string;
  transport?: string;
  version?: string;
  link?: {
    state?: string;
    since?: string;
    requests?: number;
    timeouts?: number;
    crc_errors?: number;
    reconnects?: number;
    latency_ms?: number;
  };
  rejected?: { reason: string; count: number }[];
  locks?: { name: string; holder?: string | null; ours?: boolean; since?: string; fence?: number }[];
  statuses?: { name: string; state: string; since?: string; ends?: string; why?: string }[];
  group?: { role: string; members?: string[] };
  writes?: { today: number; limit: number };
  mqtt?: { enabled: boolean; connected?: boolean; broker?: string; since?: string };
}

/** How far an archive for whoever helps is. */
export interface Progress {
  state: "none" | "recording" | "ready" | "failed";
  ready_in_seconds?: number;
  why?: string;
}
