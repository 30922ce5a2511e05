// One archive of what whoever helps needs to know.

import { useEffect, useRef, useState } from "preact/hooks";
import { blob, get, post, words } from "./api";
import type { Progress } from "./types";

/** How long the wire may be recorded before, s. */
const LENGTHS: [number, string][] = [
  [0, "no recording"],
  [60, "1 minute of the wire"],
  [300, "5 minutes of the wire"],
];

/** Makes the archive and hands it to the browser. */
export function Diagnosis() {
  const [length, setLength] = useState(0);
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);
  const gone = useRef(new AbortController());
  useEffect(() => () => gone.current.abort(), []);

  async function make() {
    setBusy(true);
    try {
      let progress = await post<Progress>("diagnosis", { record_seconds: length });
      while (progress.state === "recording") {
        const left = progress.ready_in_seconds ?? 0;
        setSaid(left > 1 ? `Being made: ${left} s left` : "Being made");
        await new Promise((done) => setTimeout(done, 1000));
        progress = await get<Progress>("diagnosis", gone.current.signal);
      }
      if (progress.state !== "ready") throw new Error(progress.why ?? "no archive was made");
      save(await blob("diagnosis/archive"), "givtcp-diagnosis.tar.gz");
      setSaid("Made. Look into it before you send it.");
    } catch (error) {
      if (!gone.current.signal.aborted) setSaid(words(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <div>
      <h3>Diagnosis</h3>
      <p class="hint">
        One archive for whoever helps: settings, log, values and registers. No secret is in it; serial numbers and addresses
        have other names.
      </p>
      <p class="act">
        <select
          aria-label="Recording of the wire"
          value={length}
          disabled={busy}
          onChange={(event) => setLength(Number(event.currentTarget.value))}
        >
          {LENGTHS.map(([seconds, label]) => (
            <option key={seconds} value={seconds}>
              {label}
            </option>
          ))}
        </select>
        <button type="button" disabled={busy} onClick={make}>
          Make the archive
        </button>
      </p>
      <p role="status">{said}</p>
    </div>
  );
}

/** Hands a file to the browser as if it were a link to one. */
function save(file: Blob, name: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
