// Each battery with its cells. What matters of cells is how far they lie apart.

import { number, words } from "./format";
import { Card, Facts, Value } from "./show";
import type { Values } from "./values";

/** One battery or module. */
interface Battery {
  path: string;
  serial: string;
  /** Paths and volts of its cells, in their order. */
  cells: { path: string; volts: number }[];
  /** Paths of its cells' temperatures. */
  temperatures: string[];
}

/** A stack: its own values, and its batteries. */
interface Stack {
  path: string;
  name: string;
  batteries: Battery[];
}

/** A spread beyond this is worth a look, V. */
const WIDE = 0.05;

/** Finds stacks, batteries and cells among the values. */
export function stacks(values: Values): Stack[] {
  const found = new Map<string, Stack>();
  for (const { name } of values.below("Battery_Details")) {
    const [stackName = "", serial, leaf] = name.split("/");
    const path = `Battery_Details/${stackName}`;
    const stack = found.get(stackName) ?? { path, name: words(stackName).replace("Battery stack", "Stack"), batteries: [] };
    found.set(stackName, stack);
    if (!serial || !leaf) continue;
    const inside = `${path}/${serial}`;
    let battery = stack.batteries.find((one) => one.path === inside);
    if (!battery) stack.batteries.push((battery = { path: inside, serial, cells: [], temperatures: [] }));
    const volts = values.number(`${inside}/${leaf}`);
    if (volts === undefined) continue;
    if (/^Battery_Cell_\d+_Voltage$/.test(leaf)) battery.cells.push({ path: `${inside}/${leaf}`, volts });
    if (/^Battery_Cell_\d+_Temperature$/.test(leaf)) battery.temperatures.push(`${inside}/${leaf}`);
  }
  return [...found.values()];
}

/** All batteries, and the inverters that a gateway or plant controller leads. */
export function Batteries({ values }: { values: Values }) {
  const all = stacks(values);
  if (all.every((stack) => stack.batteries.length === 0)) return <Led values={values} />;
  return (
    <Card id="batteries" title="Batteries" wide>
      {all.map((stack) => (
        <div key={stack.path}>
          <StackFacts values={values} stack={stack} named={all.length > 1} />
          <div class="batteries">
            {stack.batteries.map((battery) => (
              <One key={battery.path} values={values} battery={battery} />
            ))}
          </div>
        </div>
      ))}
    </Card>
  );
}

function StackFacts({ values, stack, named }: { values: Values; stack: Stack; named: boolean }) {
  const facts: [string, string][] = [
    ["Voltage", `${stack.path}/Stack_Voltage`],
    ["Current", `${stack.path}/Stack_Current`],
    ["Highest SOC", `${stack.path}/Stack_SOC_High`],
    ["Lowest SOC", `${stack.path}/Stack_SOC_Low`],
    ["Health", `${stack.path}/Stack_SOH`],
    ["Cycles", `${stack.path}/Stack_Cycles`],
    ["BMS temperature", `${stack.path}/BMS_Temperature`],
  ];
  return (
    <>
      {named && <h3>{stack.name}</h3>}
      <Facts values={values} facts={facts} class="inline" />
    </>
  );
}

function One({ values, battery }: { values: Values; battery: Battery }) {
  const at = (leaf: string) => `${battery.path}/${leaf}`;
  const state = values.number(at("Battery_SOC"));
  return (
    <article class="pack" aria-label={`Battery ${battery.serial}`}>
      <header>
        <h4>{battery.serial}</h4>
        {state !== undefined && <Value values={values} path={at("Battery_SOC")} />}
      </header>
      {state !== undefined && (
        <div class="gauge small" aria-hidden="true">
          <span class="fill" style={{ width: `${Math.min(100, Math.max(0, state))}%` }} />
        </div>
      )}
      <Facts
        values={values}
        class="compact"
        facts={[
          ["Voltage", at("Battery_Voltage")],
          ["Temperature", at("Battery_Temperature")],
          ["Health", at("Battery_SOH")],
          ["Cycles", at("Battery_Cycles")],
          ["Remaining", at("Battery_Remaining_Capacity")],
          ["Capacity", at("Battery_Capacity")],
        ]}
      />
      <Cells values={values} battery={battery} />
    </article>
  );
}

/** Cells as bars above and below their mean, in a window that shows at least 10 mV either way. */
function Cells({ values, battery }: { values: Values; battery: Battery }) {
  const { cells } = battery;
  if (cells.length === 0) return null;
  const volts = cells.map((cell) => cell.volts);
  const most = Math.max(...volts);
  const least = Math.min(...volts);
  const mean = volts.reduce((sum, one) => sum + one, 0) / volts.length;
  const reach = Math.max(0.01, most - mean, mean - least);
  const spread = Math.round((most - least) * 1000);
  const step = 240 / cells.length;
  const where = (extreme: number) => volts.indexOf(extreme) + 1;
  return (
    <div class="cells">
      <p class={most - least > WIDE ? "spread warn" : "spread"}>
        Cells {spread}&nbsp;mV apart
        <span class="hint">
          {" "}
          {number(least)}&nbsp;V (cell {where(least)}) to {number(most)}&nbsp;V (cell {where(most)})
        </span>
      </p>
      <svg viewBox="0 0 240 64" role="img" aria-label={`${cells.length} cells, ${spread} mV apart, around ${mean.toFixed(3)} V`}>
        <path class="mean" d="M0 32H240" />
        {cells.map(({ path, volts: own }, place) => {
          const high = (Math.abs(own - mean) / reach) * 28;
          const end = own === most ? "most" : own === least ? "least" : "";
          return (
            <rect
              key={path}
              class={`cell ${end}`}
              x={place * step + step * 0.15}
              width={step * 0.7}
              y={own >= mean ? 32 - high : 32}
              height={Math.max(1, high)}
            >
              <title>{`Cell ${place + 1}: ${number(own)} V`}</title>
            </rect>
          );
        })}
      </svg>
      <details>
        <summary>Every cell</summary>
        <ol class="every">
          {cells.map(({ path }) => (
            <li key={path}>
              <Value values={values} path={path} />
            </li>
          ))}
        </ol>
        {battery.temperatures.length > 0 && (
          <>
            <h5>Temperatures</h5>
            <ol class="every">
              {battery.temperatures.map((path) => (
                <li key={path}>
                  <Value values={values} path={path} />
                </li>
              ))}
            </ol>
          </>
        )}
      </details>
    </div>
  );
}

/** The inverters behind a gateway or plant controller. */
function Led({ values }: { values: Values }) {
  const names = [...new Set(values.below("Inverters").map(({ name }) => name.split("/")[0] ?? ""))];
  if (names.length === 0) return null;
  return (
    <Card id="batteries" title="Inverters behind it" wide>
      <div class="batteries">
        {names.map((name) => (
          <article class="pack" key={name} aria-label={name}>
            <h4>{words(name)}</h4>
            <Facts
              values={values}
              class="compact"
              facts={values
                .below(`Inverters/${name}`)
                .map(({ name: leaf, item }): [string, string] => [words(leaf.replace(/_kWh$/, "")), item.path])}
            />
          </article>
        ))}
      </div>
    </Card>
  );
}
