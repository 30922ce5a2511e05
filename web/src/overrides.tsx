// Timed overrides: what runs, how long still, and how to end it.

import { useState } from "preact/hooks";
import { Outcome, useAct } from "./act";
import { now } from "./api";
import { minutes, when } from "./format";
import type { Live } from "./live";
import { Card } from "./show";
import type { Override } from "./types";
import type { Values } from "./values";

/** Command, name, and the value that only models have that can do it. */
const ALL: [string, string, string][] = [
  ["forceCharge", "Force charge", "Control/Force_Charge"],
  ["forceExport", "Force export", "Control/Force_Export"],
  ["tempPauseCharge", "Pause charging", "Control/Temp_Pause_Charge"],
  ["tempPauseDischarge", "Pause discharging", "Control/Temp_Pause_Discharge"],
];
const CHOICES = [15, 30, 60, 120, 240];

/** The overrides that this model can do. */
export function Overrides({ live, values }: { live: Live; values: Values }) {
  const running = live.overrides?.overrides ?? [];
  const can = ALL.filter(
    ([command, , path]) => values.item(path) || running.some((one) => one.command === command) || perhaps(live, command),
  );
  if (can.length === 0) return null;
  return (
    <Card id="overrides" title="For a while">
      {live.overrides && !live.overrides.known && <p class="hint">Which overrides run is not known yet.</p>}
      {live.overrides?.lost && (
        <p class="hint" role="alert">
          The record of an earlier override is damaged, so none can be begun. Cancel puts the inverter into a safe state; check its
          settings then.
          <CallOff live={live} />
        </p>
      )}
      {can.map(([command, label]) => (
        <One
          key={`${values.serial} ${command}`}
          live={live}
          command={command}
          label={label}
          running={running.find((one) => one.command === command)}
        />
      ))}
      <p class="hint">Each ends by itself, and what was set before is put back.</p>
    </Card>
  );
}

/** Whether a model that does not publish the override may have it: with a battery, or as a plant controller. */
function perhaps(live: Live, command: string): boolean {
  if (live.overrides?.known !== false) return false;
  if (live.plant?.model?.startsWith("EMS")) return command === "forceCharge" || command === "forceExport";
  return live.controls?.some((control) => control.command === "setBatteryReserve") ?? false;
}

/** Ends what nobody knows any more: any of them does. */
function CallOff({ live }: { live: Live }) {
  const { told, act, busy } = useAct(live);
  return (
    <>
      <button type="button" disabled={busy} onClick={() => act("forceCharge", { duration: "Cancel" })}>
        Cancel
      </button>
      <Outcome told={told} />
    </>
  );
}

/** How an override stands that does not simply run, in words. */
const STATES: Record<string, string> = {
  not_shown: "The battery does not show it",
  undoing: "It is being undone",
  lost: "Its record is damaged",
};

function One(props: { live: Live; command: string; label: string; running: Override | undefined }) {
  const { live, command, label, running } = props;
  const left = running?.minutes_left;
  const stands = running?.state && STATES[running.state];
  const { told, act, busy } = useAct(live);
  const [length, setLength] = useState(60);
  const id = `override-${command}`;
  return (
    <div class={left === undefined ? "override" : "override runs"} data-override={command}>
      <span class="control-name" id={id}>
        {label}
      </span>
      {left === undefined ? (
        <span class="act">
          <label class="unseen" for={`${id}-length`}>
            {label}: for how long
          </label>
          <select id={`${id}-length`} value={length} onChange={(event) => setLength(Number(event.currentTarget.value))}>
            {CHOICES.map((choice) => (
              <option key={choice} value={choice}>
                {minutes(choice)}
              </option>
            ))}
          </select>
          <button type="button" disabled={busy} aria-describedby={id} onClick={() => act(command, { duration: length })}>
            Start
          </button>
        </span>
      ) : (
        <span class="act">
          <span class="left">
            {left > 0 && (
              <>
                <strong data-minutes-left={left}>{minutes(left)} left</strong>, until{" "}
                {when(new Date(live.overridesAt + left * 60_000).toISOString(), new Date(now()))}
              </>
            )}
            {stands && ` ${stands}${running?.detail ? `: ${running.detail}` : "."}`}
          </span>
          <button type="button" disabled={busy} aria-describedby={id} onClick={() => act(command, { duration: "Cancel" })}>
            Cancel
          </button>
        </span>
      )}
      <Outcome told={told} />
    </div>
  );
}
