// The drawing: sun, battery, house and grid around the inverter. Lines move the way that power goes.

import { amount } from "./format";
import { Card, Value } from "./show";
import { type Values, powers, soc } from "./values";

/** One of the four, as it is drawn. */
interface Node {
  name: "sun" | "grid" | "house" | "battery";
  label: string;
  path: string | undefined;
  /** Power towards the inverter, W; absent if it was not read. */
  inward: number | undefined;
  value: number | undefined;
  /** What it does, in a word. */
  does: string;
}

const PLACES = {
  sun: { x: 180, y: 56 },
  grid: { x: 60, y: 170 },
  house: { x: 300, y: 170 },
  battery: { x: 180, y: 284 },
};
const HUB = { x: 180, y: 170 };
const RADIUS = 50;

/** The four with their powers and directions. */
export function nodes(values: Values): Node[] {
  const at = powers(values);
  const sun = at.sun === undefined ? undefined : values.number(at.sun);
  const battery = at.battery === undefined ? undefined : values.number(at.battery);
  const house = at.house === undefined ? undefined : values.number(at.house);
  const grid = at.grid === undefined ? undefined : values.number(at.grid);
  const fromGrid = grid === undefined ? undefined : at.gridImportsPositive ? grid : -grid;
  return [
    { name: "sun", label: "Sun", path: at.sun, inward: sun, value: sun, does: said(sun, "generates", "takes", "dark") },
    {
      name: "grid",
      label: "Grid",
      path: at.grid,
      inward: fromGrid,
      value: grid,
      does: said(fromGrid, "import", "export", "balanced"),
    },
    {
      name: "house",
      label: "House",
      path: at.house,
      inward: house === undefined ? undefined : -house,
      value: house,
      does: said(house, "uses", "feeds in", "uses nothing"),
    },
    {
      name: "battery",
      label: "Battery",
      path: at.battery,
      inward: battery,
      value: battery,
      does: said(battery, "discharges", "charges", "rests"),
    },
  ];
}

function said(power: number | undefined, positive: string, negative: string, zero: string): string {
  if (power === undefined) return "not read";
  return power > 0 ? positive : power < 0 ? negative : zero;
}

/** The live drawing, and where the power goes in words. */
export function Flow(props: { values: Values }) {
  const all = nodes(props.values).filter((node) => node.path !== undefined);
  const charge = soc(props.values);
  const summary = all.map(({ label, value, does }) => `${label} ${does}${value ? ` ${amount(Math.abs(value), "W")}` : ""}`);
  return (
    <Card id="now" title="Now">
      <svg class="flow" viewBox="0 0 360 340" role="img" aria-label={`${summary.join(", ")}.`}>
        {all.map((node) => (
          <Line key={node.name} node={node} />
        ))}
        <circle class="hub" cx={HUB.x} cy={HUB.y} r="16" />
        <path class="bolt" d="M182 159 l-9 13 h6 l-2 9 9 -13 h-6 z" />
        {all.map((node) => (
          <Place key={node.name} node={node} charge={node.name === "battery" ? charge?.value : undefined} />
        ))}
      </svg>
      <Ways values={props.values} />
    </Card>
  );
}

function Line({ node }: { node: Node }) {
  const { x, y } = PLACES[node.name];
  const inward = node.inward ?? 0;
  const direction = inward > 0 ? "in" : inward < 0 ? "out" : "none";
  const power = Math.abs(inward);
  // From the edge of the circle to the edge of the hub: dashes run along this way, or against it.
  const length = Math.hypot(HUB.x - x, HUB.y - y);
  const part = (distance: number) => ({
    x: x + ((HUB.x - x) * distance) / length,
    y: y + ((HUB.y - y) * distance) / length,
  });
  const from = part(RADIUS);
  const to = part(length - 16);
  const middle = part((RADIUS + length - 16) / 2);
  const turn = (Math.atan2(HUB.y - y, HUB.x - x) * 180) / Math.PI + (direction === "out" ? 180 : 0);
  return (
    <g class={`way ${node.name} ${direction}`} data-flow={node.name} data-direction={direction}>
      <path class="bed" d={`M${from.x} ${from.y}L${to.x} ${to.y}`} />
      {direction !== "none" && (
        <>
          <path
            class="stream"
            d={`M${from.x} ${from.y}L${to.x} ${to.y}`}
            style={{ animationDuration: `${pace(power)}s`, strokeWidth: `${Math.min(8, 3 + power / 1000)}px` }}
          />
          <path class="head" d="M-7 -8 L8 0 L-7 8 z" transform={`translate(${middle.x} ${middle.y}) rotate(${turn})`} />
        </>
      )}
    </g>
  );
}

/** Seconds for one dash: more power runs faster. Few steps, since each change of pace makes the dashes jump. */
function pace(power: number): number {
  return power > 3000 ? 0.5 : power > 1000 ? 0.9 : power > 300 ? 1.5 : 2.5;
}

function Place({ node, charge }: { node: Node; charge?: number }) {
  const { x, y } = PLACES[node.name];
  const watts = node.value === undefined ? "–" : amount(node.value, "W");
  const round = 2 * Math.PI * (RADIUS - 3);
  return (
    <g class={`place ${node.name}`} transform={`translate(${x} ${y})`}>
      <circle class="ring" r={RADIUS - 3} />
      {charge !== undefined && (
        <circle
          class="level"
          r={RADIUS - 3}
          transform="rotate(-90)"
          stroke-dasharray={`${(round * Math.min(100, Math.max(0, charge))) / 100} ${round}`}
        />
      )}
      <text class="name" y="-20">
        {node.label}
      </text>
      <text class={watts.length > 6 ? "watts long" : "watts"} y="4" data-path={node.path}>
        {watts}
      </text>
      <text class="does" y="22">
        {node.does}
      </text>
    </g>
  );
}

const WAYS: [string, string][] = [
  ["Sun to house", "Solar_to_House"],
  ["Sun to battery", "Solar_to_Battery"],
  ["Sun to grid", "Solar_to_Grid"],
  ["Battery to house", "Battery_to_House"],
  ["Battery to grid", "Battery_to_Grid"],
  ["Grid to house", "Grid_to_House"],
  ["Grid to battery", "Grid_to_Battery"],
];

/** From where to where, as the program has worked it out. */
function Ways({ values }: { values: Values }) {
  const going = WAYS.filter(([, name]) => (values.number(`Power/Flows/${name}`) ?? 0) > 0);
  if (going.length === 0) return null;
  return (
    <dl class="facts ways">
      {going.map(([label, name]) => (
        <div key={name}>
          <dt>{label}</dt>
          <dd>
            <Value values={values} path={`Power/Flows/${name}`} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
