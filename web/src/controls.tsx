// What can be set, each with its range and with what came of setting it. Times and targets of slots stand in slots.tsx.

import { useEffect, useState } from "preact/hooks";
import { Outcome, useAct } from "./act";
import { ask } from "./confirm";
import { amount, number } from "./format";
import type { Live } from "./live";
import { Card } from "./show";
import { isSlotPart } from "./slots";
import type { Control } from "./types";

/** Names that people know, and a word on what is not plain. */
const NAMES: Record<string, [string, string?]> = {
  setBatteryMode: ["Mode"],
  setEcoMode: ["Eco mode", "The battery serves the house and does not export"],
  enableChargeSchedule: ["Charge slots in force"],
  enableDischargeSchedule: ["Discharge slots in force"],
  setChargeTarget: ["Charge target", "Charge from the grid up to this"],
  enableChargeTarget: ["Charge target in force"],
  setBatteryReserve: ["Reserve", "No discharge below this"],
  setBatteryCutoff: ["Cutoff", "The battery's own lower end"],
  setChargeRate: ["Charge rate"],
  setDischargeRate: ["Discharge rate"],
  setChargeRateAC: ["Charge rate (AC)"],
  setDischargeRateAC: ["Discharge rate (AC)"],
  setActivePowerRate: ["Active power", "How much of its power the inverter gives at most"],
  setBatteryPauseMode: ["Pause mode"],
  enableRTC: ["Real-time control"],
  setBatteryCalibration: ["Battery calibration", "Takes many hours, and charges and discharges the battery fully"],
  syncDateTime: ["Set the inverter's clock"],
  rebootInverter: ["Restart the inverter"],
  setEmsPlant: ["Plant control"],
  setForceCharge: ["Charge schedule"],
  setForceDischarge: ["Discharge schedule"],
  setACCharge: ["Charge from the grid"],
};

/** In which field of its body a number goes. */
function field(command: string): string {
  if (/^set(Dis)?chargeRate(AC)?$/i.test(command)) return /^setDis/.test(command) ? "dischargeRate" : "chargeRate";
  if (/ChargeTarget\d*$/.test(command)) return "chargeToPercent";
  if (/DischargeTarget\d*$/.test(command) || command === "setBatteryCutoff") return "dischargeToPercent";
  if (/ExportTarget\d*$/.test(command)) return "exportToPercent";
  if (command === "setBatteryReserve") return "reservePercent";
  if (command === "setActivePowerRate") return "activePowerRate";
  return "state";
}

/** The body of a command for a value. */
export function body(command: string, value: string | number): Record<string, string | number> {
  if (command === "setBatteryMode") return { mode: value };
  return { [typeof value === "number" ? field(command) : "state"]: value };
}

/** Where a control stands: what is alike stands together, and what is seldom needed last. */
function rank(control: Control): number {
  if (control.confirm || control.kind === "button") return 3;
  return control.kind === "number" ? 2 : control.kind === "switch" ? 1 : 0;
}

/** Everything that can be set beside slots. */
export function Controls({ live }: { live: Live }) {
  const controls = live.controls?.filter((control) => !isSlotPart(control)).sort((a, b) => rank(a) - rank(b));
  if (!controls || controls.length === 0) return null;
  return (
    <Card id="controls" title="Settings of the inverter" wide>
      {live.plant?.led && <p class="hint">A gateway or plant controller leads this inverter: its settings are that one's.</p>}
      <div class="controls">
        {controls.map((control) => (
          <One key={`${live.chosen} ${control.command}`} live={live} control={control} />
        ))}
      </div>
    </Card>
  );
}

/** One control by its kind. */
function One({ live, control }: { live: Live; control: Control }) {
  const [name, hint] = NAMES[control.command] ?? [spaced(control.command)];
  const parts = { live, control, name, hint };
  switch (control.kind) {
    case "number":
      return <NumberControl {...parts} />;
    case "select":
      return <SelectControl {...parts} />;
    case "switch":
      // One whose state cannot be read can be set all the same.
      return control.value == null ? (
        <SelectControl {...parts} control={{ ...control, options: ["enable", "disable"] }} />
      ) : (
        <SwitchControl {...parts} />
      );
    case "button":
      return <ButtonControl {...parts} />;
    default:
      return null;
  }
}

interface Parts {
  live: Live;
  control: Control;
  name: string;
  hint?: string;
}

/** Keeps what is being entered; goes with the inverter's value while nobody enters anything. */
function useDraft<T>(current: T) {
  const [draft, setDraft] = useState<T | undefined>();
  useEffect(() => setDraft(undefined), [current]);
  return { draft: draft ?? current, changed: draft !== undefined && draft !== current, setDraft };
}

function NumberControl({ live, control, name, hint }: Parts) {
  const { told, act, busy } = useAct(live);
  const { min = 0, max = 100, unit = "" } = control;
  const now = typeof control.value === "number" ? control.value : undefined;
  const { draft, changed, setDraft } = useDraft(now === undefined ? "" : String(now));
  const id = `control-${control.command}`;
  const wanted = Number(draft);
  const valid = draft.trim() !== "" && Number.isInteger(wanted) && wanted >= min && wanted <= max;
  const step = control.step && control.step > 1 ? `, in steps of about ${amount(control.step, unit)}` : "";
  return (
    <form
      class="control"
      data-control={control.command}
      onSubmit={(event) => {
        event.preventDefault();
        if (valid) void act(control.command, body(control.command, wanted));
      }}
    >
      <label class="control-name" for={id}>
        {name}
      </label>
      <span class="act">
        <input
          id={id}
          type="number"
          inputMode="numeric"
          min={min}
          max={max}
          step="1"
          value={draft}
          aria-invalid={changed && !valid}
          aria-describedby={`${id}-range`}
          onInput={(event) => setDraft(event.currentTarget.value)}
        />
        <span class="unit">{unit}</span>
        <button type="submit" disabled={busy || !changed || !valid}>
          Set
        </button>
      </span>
      <input
        type="range"
        aria-label={`${name}, slider`}
        min={min}
        max={max}
        step="1"
        value={valid ? draft : (now ?? min)}
        onInput={(event) => setDraft(event.currentTarget.value)}
      />
      <p class="hint" id={`${id}-range`}>
        {hint ? `${hint}. ` : ""}
        {number(min)} to {amount(max, unit)}
        {step}. Now {now === undefined ? "not read" : amount(now, unit)}.
      </p>
      <Outcome told={changed && !valid ? { tone: "bad", text: `A whole number from ${number(min)} to ${amount(max, unit)}, please.` } : told} />
    </form>
  );
}

function SelectControl({ live, control, name, hint }: Parts) {
  const { told, act, busy } = useAct(live);
  const now = control.value == null ? "" : String(control.value);
  const { draft, changed, setDraft } = useDraft(now);
  const options = control.options ?? [];
  const id = `control-${control.command}`;
  const set = async () => {
    const confirmed = control.confirm && draft !== "Off";
    if (confirmed && !(await ask(`${name}: ${draft}?`, hint ?? ""))) return;
    await act(control.command, { ...body(control.command, draft), ...(confirmed ? { confirm: live.values?.serial } : {}) });
  };
  return (
    <div class="control" data-control={control.command}>
      <label class="control-name" for={id}>
        {name}
      </label>
      <span class="act">
        <select id={id} value={draft} onChange={(event) => setDraft(event.currentTarget.value)}>
          {!options.includes(now) && <option value={now}>{now || "not read"}</option>}
          {options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
        <button type="button" disabled={busy || !changed} aria-label={`Set ${name}`} onClick={() => void set()}>
          Set
        </button>
      </span>
      {hint && <p class="hint">{hint}.</p>}
      <Outcome told={told} />
    </div>
  );
}

function SwitchControl({ live, control, name, hint }: Parts) {
  const { told, act, busy } = useAct(live);
  const on = control.value === "enable";
  return (
    <div class="control" data-control={control.command}>
      <span class="control-name" id={`control-${control.command}`}>
        {name}
      </span>
      <span class="act">
        <button
          type="button"
          class="switch"
          role="switch"
          aria-checked={on}
          aria-labelledby={`control-${control.command}`}
          disabled={busy}
          onClick={() => void act(control.command, { state: on ? "disable" : "enable" })}
        >
          <span class="knob" aria-hidden="true" />
          <span class="word" aria-hidden="true">
            {on ? "On" : "Off"}
          </span>
        </button>
      </span>
      {hint && <p class="hint">{hint}.</p>}
      <Outcome told={told} />
    </div>
  );
}

function ButtonControl({ live, control, name }: Parts) {
  const { told, act, busy } = useAct(live);
  const press = async () => {
    if (control.confirm && !(await ask(`${name}?`, "It stops for some minutes, and so does what it does for the house."))) return;
    await act(control.command, control.confirm ? { confirm: live.values?.serial } : {});
  };
  return (
    <div class="control" data-control={control.command}>
      <span class="control-name" id={`control-${control.command}`}>
        {name}
      </span>
      <span class="act">
        <button type="button" disabled={busy} aria-describedby={`control-${control.command}`} onClick={() => void press()}>
          {control.confirm ? "Restart…" : "Do it"}
        </button>
      </span>
      <Outcome told={told} />
    </div>
  );
}

/** `setEmsPlant` as "Ems plant". */
function spaced(command: string): string {
  const apart = command.replace(/^(set|enable)/, "").replace(/([a-z])([A-Z\d])/g, "$1 $2");
  return apart.charAt(0).toUpperCase() + apart.slice(1).toLowerCase();
}
