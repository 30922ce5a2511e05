// The program's own settings: those in force, where each came from, what is wrong with the file; and what is logged.

import { useEffect, useState } from "preact/hooks";
import { get, post, words } from "./api";
import { Card } from "./show";

/** Between two looks, ms. */
const AGAIN = 10_000;
const LEVELS = ["error", "warn", "info", "debug", "trace"];

interface InForce {
  settings: { key: string; value: string; from: string | null }[];
  faults: { message: string }[];
  waiting: string[];
}

interface Level {
  level: string;
}

/** The settings, once they were read. Nothing where the program is older than this page. */
export function Program({ onFaults }: { onFaults: (count: number) => void }) {
  const [shown, setShown] = useState<InForce>();
  const [level, setLevel] = useState<string>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let over = false;
    const read = async () => {
      if (document.hidden) return;
      try {
        const [settings, log] = await Promise.all([get<InForce>("settings"), get<Level>("log")]);
        if (over) return;
        setShown(settings);
        onFaults(settings.faults.length);
        setLevel(log.level);
      } catch {
        // What was read stays; that nothing arrives is said at the top.
      }
    };
    void read();
    const timer = setInterval(() => void read(), AGAIN);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, []);
  if (!shown || level === undefined) return null;
  const change = async (wanted: string) => {
    try {
      setLevel((await post<Level>("log", { level: wanted })).level);
      setProblem(undefined);
    } catch (error) {
      setProblem(words(error));
    }
  };
  const levels = LEVELS.includes(level) ? LEVELS : [...LEVELS, level];
  return (
    <Card id="program" title="Program" wide>
      {shown.faults.length > 0 && (
        <div class="problem" role="alert">
          <p>The settings file has faults. What is in force is what it said before.</p>
          <ul>
            {shown.faults.map(({ message }) => (
              <li key={message}>{message}</li>
            ))}
          </ul>
        </div>
      )}
      {shown.waiting.map((line) => (
        <p key={line}>{line}</p>
      ))}
      <p>
        <label>
          What is logged{" "}
          <select value={level} onChange={(event) => void change(event.currentTarget.value)}>
            {levels.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
      </p>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <details>
        <summary>Every setting in force</summary>
        <dl class="facts">
          {shown.settings.map(({ key, value, from }) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>
                {value} <span class="hint">{from ?? "default"}</span>
              </dd>
            </div>
          ))}
        </dl>
      </details>
    </Card>
  );
}
