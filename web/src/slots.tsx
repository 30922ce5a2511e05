// Slots on a bar of 24 hours, by the inverter's own clock, and how to set them.

import { useEffect, useState } from "preact/hooks";
import { Outcome, useAct } from "./act";
import type { Live } from "./live";
import { Card } from "./show";
import type { Control } from "./types";
import type { Values } from "./values";

/** One slot, put together from its controls. */
interface Slot {
  /** `setChargeSlot1`. */
  command: string;
  label: string;
  /** HH:MM. */
  start: string;
  end: string;
  /** Its target in %, and the field that a target has in the command. */
  target?: number;
  targetControl?: Control;
}

/** Slots of one kind. */
interface Kind {
  name: string;
  label: string;
  slots: Slot[];
  /** Whether slots of this kind are in force; absent if nothing says so. */
  inForce?: boolean;
}

const TIME = /^set(.*?)(Start|End)(\d*)$/;
const TARGET = /^set(.+)Target(\d+)$/;
const LABELS: Record<string, string> = {
  Charge: "Charge",
  Discharge: "Discharge",
  Export: "Export",
  EMSCharge: "Charge (plant)",
  EMSDischarge: "Discharge (plant)",
  Pause: "Pause",
};

/** Whether a control is part of a slot. */
export function isSlotPart(control: Control): boolean {
  return (control.kind === "time" && TIME.test(control.command)) || TARGET.test(control.command);
}

/** Puts the slots together, in the order of the controls. */
export function kinds(controls: Control[]): Kind[] {
  const found = new Map<string, Kind>();
  for (const control of controls) {
    const [, name = "", edge, number = ""] = control.kind === "time" ? (TIME.exec(control.command) ?? []) : [];
    if (!edge) continue;
    const kind = found.get(name) ?? { name, label: LABELS[name] ?? name, slots: [], inForce: inForce(controls, name) };
    found.set(name, kind);
    const command = `set${name}Slot${number}`;
    let slot = kind.slots.find((one) => one.command === command);
    if (!slot) {
      slot = { command, label: `${kind.label} ${number}`.trim(), start: "", end: "" };
      slot.targetControl = controls.find((one) => one.command === `set${name}Target${number}`);
      if (typeof slot.targetControl?.value === "number") slot.target = slot.targetControl.value;
      kind.slots.push(slot);
    }
    slot[edge === "Start" ? "start" : "end"] = String(control.value ?? "").slice(0, 5);
  }
  return [...found.values()];
}

function inForce(controls: Control[], name: string): boolean | undefined {
  const by: Record<string, string> = { Charge: "enableChargeSchedule", Discharge: "enableDischargeSchedule" };
  const value = controls.find((control) => control.command === by[name])?.value;
  return value == null ? undefined : value === "enable";
}

/** Whether a slot is set at all: one that ends when it begins is cleared. */
function isSet(slot: Slot): boolean {
  return slot.start !== slot.end;
}

/** Minutes since midnight. */
function minute(time: string): number {
  const [hours = "0", minutes = "0"] = time.split(":");
  return Number(hours) * 60 + Number(minutes);
}

/** All slots: the bars, and below them what sets them. */
export function Slots({ live, values }: { live: Live; values: Values }) {
  const all = live.controls ? kinds(live.controls) : [];
  if (all.length === 0) return null;
  const clock = values.text(`${values.serial}/Invertor_Time`)?.slice(11, 16);
  return (
    <Card id="slots" title="Slots" wide>
      <div class="day">
        {all.map((kind) => (
          <Bar key={kind.name} kind={kind} clock={clock} />
        ))}
        <div class="hours" aria-hidden="true">
          {[0, 6, 12, 18, 24].map((hour) => (
            <span key={hour}>{String(hour).padStart(2, "0")}</span>
          ))}
        </div>
      </div>
      <p class="hint">
        By the inverter's own clock{clock ? `, which shows ${clock}` : ""}. 00:00 to 00:00 is a slot that is cleared.
      </p>
      <div class="kinds">
        {all.map((kind) => (
          <Editors key={`${live.chosen} ${kind.name}`} live={live} kind={kind} />
        ))}
      </div>
    </Card>
  );
}

function Bar({ kind, clock }: { kind: Kind; clock: string | undefined }) {
  const set = kind.slots.filter(isSet);
  const told = set.length === 0 ? "none" : set.map((slot) => `${slot.start} to ${slot.end}`).join(", ");
  return (
    <div class="row">
      <span class="row-name">
        {kind.label}
        {kind.inForce === false && <span class="hint"> not in force</span>}
      </span>
      <div class={`bar ${kind.name} ${kind.inForce === false ? "off" : ""}`} role="img" aria-label={`${kind.label} slots: ${told}`}>
        {set.flatMap((slot) =>
          pieces(slot).map(([from, to]) => (
            <span
              key={`${slot.command} ${from}`}
              class="piece"
              data-slot={slot.command}
              title={`${slot.label}: ${slot.start} to ${slot.end}`}
              style={{ left: `${from / 14.4}%`, width: `${(to - from) / 14.4}%` }}
            />
          )),
        )}
        {clock && <span class="clock" style={{ left: `${minute(clock) / 14.4}%` }} />}
      </div>
    </div>
  );
}

/** A slot over midnight is two pieces of a day. */
function pieces(slot: Slot): [number, number][] {
  const from = minute(slot.start);
  const to = minute(slot.end);
  return from < to
    ? [[from, to]]
    : [
        [from, 1440],
        [0, to],
      ];
}

function Editors({ live, kind }: { live: Live; kind: Kind }) {
  // Ten empty slots are nine too many to show.
  const lastSet = kind.slots.reduce((last, slot, place) => (isSet(slot) ? place : last), -1);
  const shown = kind.slots.slice(0, lastSet + 2);
  const rest = kind.slots.slice(lastSet + 2);
  return (
    <div class="kind">
      {shown.map((slot) => (
        <Editor key={slot.command} live={live} slot={slot} />
      ))}
      {rest.length > 0 && (
        <details>
          <summary>
            {rest.length} more {kind.label.toLowerCase()} {rest.length === 1 ? "slot" : "slots"}
          </summary>
          {rest.map((slot) => (
            <Editor key={slot.command} live={live} slot={slot} />
          ))}
        </details>
      )}
    </div>
  );
}

const TARGET_FIELDS: [RegExp, string][] = [
  [/Discharge/, "dischargeToPercent"],
  [/Charge/, "chargeToPercent"],
  [/Export/, "exportToPercent"],
];

function Editor({ live, slot }: { live: Live; slot: Slot }) {
  const { told, act, busy } = useAct(live);
  const [draft, setDraft] = useState({ start: slot.start, end: slot.end, target: slot.target });
  useEffect(
    () => setDraft({ start: slot.start, end: slot.end, target: slot.target }),
    [slot.start, slot.end, slot.target],
  );
  const changed = draft.start !== slot.start || draft.end !== slot.end || draft.target !== slot.target;
  const set = (start: string, end: string, target = draft.target) => {
    const field = TARGET_FIELDS.find(([pattern]) => pattern.test(slot.command))?.[1];
    const aim = field && target !== undefined && target !== slot.target ? { [field]: target } : {};
    void act(slot.command, { start, finish: end, ...aim });
  };
  const edge = (which: "start" | "end", name: string) => (
    <label>
      <span>{name}</span>
      <input
        type="time"
        value={draft[which]}
        required
        onInput={(event) => setDraft({ ...draft, [which]: event.currentTarget.value })}
      />
    </label>
  );
  return (
    <form
      class="slot"
      data-editor={slot.command}
      onSubmit={(event) => {
        event.preventDefault();
        set(draft.start, draft.end);
      }}
    >
      <fieldset>
        <legend>{slot.label}</legend>
        {edge("start", "From")}
        {edge("end", "to")}
        {slot.targetControl && (
          <label>
            <span>target, %</span>
            <input
              type="number"
              min={slot.targetControl.min}
              max={slot.targetControl.max}
              value={draft.target ?? ""}
              onInput={(event) => setDraft({ ...draft, target: event.currentTarget.valueAsNumber })}
            />
          </label>
        )}
        <span class="act">
          <button type="submit" disabled={busy || !changed}>
            Set
          </button>
          <button type="button" disabled={busy || !isSet(slot)} onClick={() => set("00:00", "00:00", slot.target)}>
            Clear
          </button>
        </span>
      </fieldset>
      <Outcome told={told} />
    </form>
  );
}
