// Giving a command, and saying what came of it.

import { useEffect, useState } from "preact/hooks";
import { Trouble, command, words } from "./api";
import { amount } from "./format";
import type { Live } from "./live";
import type { Report } from "./types";

/** What is known of a command that was given. */
export interface Told {
  tone: "busy" | "good" | "bad";
  text: string;
}

/** So long it is said what came of a command, ms: by then it may be otherwise. */
const SHOWN = 60_000;

/** Gives commands of one control, one at a time, and keeps what came of the last. */
export function useAct(live: Live) {
  const [told, setTold] = useState<Told | undefined>();
  useEffect(() => {
    if (!told || told.tone === "busy") return;
    const timer = setTimeout(() => setTold(undefined), SHOWN);
    return () => clearTimeout(timer);
  }, [told]);
  const act = async (name: string, body: unknown) => {
    const plant = live.values?.serial ?? live.chosen;
    if (!plant || told?.tone === "busy") return;
    setTold({ tone: "busy", text: "Asking the inverter…" });
    try {
      setTold(outcome(await command(plant, name, body)));
    } catch (error) {
      const report = error instanceof Trouble ? error.report : undefined;
      setTold(report ? outcome(report) : { tone: "bad", text: `Not done: ${words(error)}` });
    }
    await live.refresh();
  };
  return { told, act, busy: told?.tone === "busy" };
}

/** What came of the last command, said aloud too. */
export function Outcome({ told }: { told: Told | undefined }) {
  return (
    <p class={`told ${told?.tone ?? ""}`} role="status">
      {told?.text ?? ""}
    </p>
  );
}

/** An outcome in words. */
export function outcome(report: Report): Told {
  const asked = plain(report.asked ?? "");
  const why = report.why ?? report.message ?? "";
  const notes = (report.notes ?? []).map((note) => ` ${sentence(note)}`).join("");
  const amounts =
    report.amount && report.amount.achieved !== report.amount.asked
      ? ` The nearest that it takes: ${amount(report.amount.achieved, report.amount.unit)}.`
      : "";
  switch (report.outcome) {
    case "applied":
      return { tone: "good", text: `Done: ${asked}.${amounts}${notes}` };
    case "unchanged":
      return { tone: "good", text: `It was so already: ${asked}.${notes}` };
    case "clamped":
      return { tone: "good", text: `Done as far as the inverter can: ${asked}.${amounts || limit(report)}${notes}` };
    case "planned":
      return { tone: "good", text: `Would be done: ${asked}.${notes}` };
    case "rejected":
      return { tone: "bad", text: `The inverter did not take it: ${why}.${putBack(report)}${notes}` };
    case "refused":
      return { tone: "bad", text: `Refused: ${why}.${notes}` };
    case "unreachable":
      return { tone: "bad", text: `The inverter could not be reached: ${why}.${putBack(report)}${notes}` };
    default:
      return { tone: "bad", text: `${why || "It is not known what came of it"}.` };
  }
}

/** "forceCharge for 30 min" with a name that people know. */
function plain(asked: string): string {
  return asked.replace(/^(force|tempPause)(Charge|Discharge|Export)/, (_, what: string, which: string) =>
    what === "force" ? `force ${which.toLowerCase()}` : `pause ${which.toLowerCase()}`,
  );
}

function limit(report: Report): string {
  return report.achieved == null ? "" : ` It is ${report.achieved} now.`;
}

function putBack(report: Report): string {
  if (report.put_back == null) return "";
  return report.put_back ? " What was written is put back." : " What was written will be put back.";
}

/** "it runs until 2026-…Z" with the time as people read it. */
function sentence(note: string): string {
  const local = note.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (time) =>
    new Date(time).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" }),
  );
  return `${local.charAt(0).toUpperCase()}${local.slice(1)}.`;
}
