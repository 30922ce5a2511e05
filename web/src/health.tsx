// How the connection is: its counters, what was rejected, locks, statuses, the standby group, writes, and what happened.

import { useState } from "preact/hooks";
import { now } from "./api";
import { Diagnosis } from "./diagnosis";
import { amount, duration, number, when, words } from "./format";
import type { Live } from "./live";
import { Card, Facts, Value } from "./show";
import type { Happening, Health as State } from "./types";
import type { Values } from "./values";

/** So many events are shown. */
const EVENTS = 12;

/** Everything about health; `live.health` may lack any part, and the snapshot's own counters are always there. */
export function Health({ live, values }: { live: Live; values: Values }) {
  const { health } = live;
  const own = values.serial;
  const skew = values.number(`${own}/Clock_Skew`);
  return (
    <Card id="health" title="Health" wide>
      <div class="columns">
        <div>
          <h3>Inverter</h3>
          <dl class="facts">
            <div>
              <dt>Model</dt>
              <dd>{live.plant?.model ?? "not known"}</dd>
            </div>
            {skew !== undefined && (
              <div>
                <dt>Its clock is</dt>
                <dd>{ahead(skew)}</dd>
              </div>
            )}
          </dl>
          <Facts
            values={values}
            facts={[
              ["Serial number", `${own}/Invertor_Serial_Number`],
              ["Firmware", `${own}/Invertor_Firmware`],
              ["State", `${own}/status`],
              ["Temperature", `${own}/Invertor_Temperature`],
              ["Faults", `${own}/Faults`],
              ["Warnings", `${own}/Warnings`],
              ["Its clock", `${own}/Invertor_Time`],
              ["Grid voltage", "Power/Power/Grid_Voltage"],
              ["Grid frequency", "Power/Power/Grid_Frequency"],
            ]}
          />
        </div>
        <div>
          <h3>Connection</h3>
          <Link health={health} />
          <Facts
            values={values}
            facts={[
              ["Time between polls", "Stats/Time_Since_Last_Update"],
              ["Late or missing replies", "Stats/Timeout_Error"],
              ["Reconnects", "Stats/Reconnects"],
              ["Broken frames", "Stats/CRC_Errors"],
              ["Polls left out", "Stats/Skipped_Cycles"],
              ["Blocks not read lately", "Stats/Stale_Blocks"],
              ["Registers written", "Stats/Write_Count"],
              ["Version", "Stats/GivTCP_Version"],
            ]}
          />
        </div>
        <Rejected health={health} values={values} />
        <Shared health={health} />
        <Diagnosis />
      </div>
      <Happened events={live.happenings} serial={own} />
      <Everything values={values} />
    </Card>
  );
}

/** The same of an inverter of which nothing was read yet. */
export function Reach({ live }: { live: Live }) {
  return (
    <Card id="health" title="Health" wide>
      <div class="columns">
        <div>
          <h3>Connection</h3>
          <Link health={live.health} />
          <p class="hint">The log says why an inverter cannot be reached. Its address stands in the settings below.</p>
        </div>
        <Shared health={live.health} />
        <Diagnosis />
      </div>
    </Card>
  );
}

/** States of the connection, for people. */
const LINK: Record<string, string> = { resting: "No connection, tried again soon", standby: "Another process has it" };

function Link({ health }: { health: State | undefined }) {
  const facts: [string, string | undefined][] = [
    ["Address", health?.address && `${health.address}${health.transport ? ` (${health.transport})` : ""}`],
    ["State", health?.link?.state && since(LINK[health.link.state] ?? words(health.link.state), health.link.since)],
    ["Requests", health?.link?.requests === undefined ? undefined : number(health.link.requests)],
    ["Answers take", health?.link?.latency_ms === undefined ? undefined : amount(health.link.latency_ms, "ms")],
    ["Broker", health?.mqtt && broker(health.mqtt)],
    ["Writes today", health?.writes && `${number(health.writes.today)} of ${number(health.writes.limit)}`],
  ];
  const told = facts.filter(([, text]) => text);
  if (told.length === 0) return null;
  return (
    <dl class="facts">
      {told.map(([label, text]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function broker(mqtt: NonNullable<State["mqtt"]>): string {
  if (!mqtt.enabled) return "switched off";
  return since(`${mqtt.connected ? "connected" : "not connected"}${mqtt.broker ? `, ${mqtt.broker}` : ""}`, mqtt.since);
}

/** How far a clock is ahead, s. */
function ahead(seconds: number): string {
  return seconds === 0 ? "right" : `${duration(Math.abs(seconds))} ${seconds > 0 ? "fast" : "slow"}`;
}

function since(text: string, start: string | undefined): string {
  return start ? `${text} since ${when(start, new Date(now()))}` : text;
}

/** Blocks that the guards took for nonsense, by reason. */
function Rejected({ health, values }: { health: State | undefined; values: Values }) {
  const counted = values.below("Stats/Rejections").filter(({ item }) => item.value !== 0);
  const total = values.number("Stats/Rejected_Blocks");
  if (total === undefined && !health?.rejected) return null;
  return (
    <div>
      <h3>Rejected data</h3>
      <Facts values={values} facts={[["Blocks rejected", "Stats/Rejected_Blocks"]]} />
      {counted.length > 0 && (
        <dl class="facts">
          {counted.map(({ name, item }) => (
            <div key={name}>
              <dt>{words(name)}</dt>
              <dd>
                <Value values={values} path={item.path} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {total === 0 && <p class="hint">Nothing that was read had to be doubted.</p>}
    </div>
  );
}

/** Locks, statuses and the group: what several processes share. */
function Shared({ health }: { health: State | undefined }) {
  if (!health?.locks && !health?.statuses && !health?.group) return null;
  return (
    <div>
      <h3>Locks and statuses</h3>
      {health.group && (
        <p>
          {words(health.group.role)} in its standby group
          {health.group.members && health.group.members.length > 0 ? ` with ${health.group.members.join(", ")}` : ""}.
        </p>
      )}
      <dl class="facts">
        {(health.locks ?? []).map((lock) => (
          <div key={lock.name}>
            <dt>{lock.name}</dt>
            <dd>{lock.holder ? since(lock.ours ? "held here" : `held by ${lock.holder}`, lock.since) : "free"}</dd>
          </div>
        ))}
        {(health.statuses ?? []).map((status) => (
          <div key={status.name}>
            <dt>{words(status.name)}</dt>
            <dd>
              {since(words(status.state), status.since)}
              {status.why ? `: ${status.why}` : ""}
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** What happened lately, the newest first. */
function Happened({ events, serial }: { events: Happening[] | undefined; serial: string }) {
  if (!events) return null;
  const own = events.filter((event) => event.inverter === serial).slice(-EVENTS).reverse();
  return (
    <>
      <h3>What happened</h3>
      {own.length === 0 ? (
        <p class="hint">Nothing out of the ordinary since the program started.</p>
      ) : (
        <ul class="events">
          {own.map((event) => (
            <li key={event.id}>
              <time dateTime={event.at} title={event.at}>
                {duration((now() - Date.parse(event.at)) / 1000)} ago
              </time>{" "}
              <strong>{words(event.kind)}</strong> <span class="hint">{details(event)}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** What there is to say of an event: a changed setting as a change, the rest by name. */
function details(event: Happening): string {
  const { what, register, from, to, ...rest } = event.details;
  if (event.kind === "setting_changed") return `${text(what)} (HR ${text(register)}): ${text(from)} → ${text(to)}, by somebody else`;
  return Object.entries({ what, register, from, to, ...rest })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${words(name).toLowerCase()}: ${text(value)}`)
    .join(", ");
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Every value that is published, for those who look for one. */
function Everything({ values }: { values: Values }) {
  const [open, setOpen] = useState(false);
  const [sought, setSought] = useState("");
  const found = open ? values.body.values.filter(({ path }) => path.toLowerCase().includes(sought.toLowerCase())) : [];
  return (
    <details class="everything" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>All {values.body.values.length} values</summary>
      <label class="search">
        Search <input type="search" value={sought} onInput={(event) => setSought(event.currentTarget.value)} />
      </label>
      <div class="all" tabIndex={0} role="region" aria-label="All values">
        <dl class="facts">
          {found.map(({ path }) => (
            <div key={path}>
              <dt>{path}</dt>
              <dd>
                <Value values={values} path={path} />
              </dd>
            </div>
          ))}
        </dl>
      </div>
    </details>
  );
}
