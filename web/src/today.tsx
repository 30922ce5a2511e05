// State of charge, today's energy and what it costs.

import { minutes, number } from "./format";
import { Card, Facts, Value } from "./show";
import { type Values, soc } from "./values";

const RATES = "Energy/Rates";
const ENERGY: [string, string][] = [
  ["Generated", "Energy/Today/PV_Energy_Today_kWh"],
  ["Used", "Energy/Today/Load_Energy_Today_kWh"],
  ["Imported", "Energy/Today/Import_Energy_Today_kWh"],
  ["Exported", "Energy/Today/Export_Energy_Today_kWh"],
  ["Charged", "Energy/Today/Battery_Charge_Energy_Today_kWh"],
  ["Discharged", "Energy/Today/Battery_Discharge_Energy_Today_kWh"],
];

/** How full the battery is, and what the day has brought. */
export function Today(props: { values: Values }) {
  const { values } = props;
  return (
    <Card id="today" title="Today">
      <Charge values={values} />
      {ENERGY.some(([, path]) => values.item(path)) && <h3>Energy</h3>}
      <Facts values={values} facts={ENERGY} class="tiles" />
      <Cost values={values} />
    </Card>
  );
}

function Charge({ values }: { values: Values }) {
  const charge = soc(values);
  if (!charge) return null;
  const reserve = values.number("Control/Battery_Power_Reserve");
  const full = values.number("Power/Power/Charge_Time_Remaining") ?? 0;
  const empty = values.number("Power/Power/Discharge_Time_Remaining") ?? 0;
  return (
    <div class="charge">
      <p class="big">
        {charge.path ? <Value values={values} path={charge.path} /> : `${charge.value}\u00a0%`}
        <span class="beside">
          <Value values={values} path="Power/Power/SOC_kWh" none="" />
        </span>
      </p>
      <div class="gauge" role="img" aria-label={`State of charge ${charge.value} %${reserve === undefined ? "" : `, reserve ${reserve} %`}`}>
        <span class="fill" style={{ width: `${Math.min(100, Math.max(0, charge.value))}%` }} />
        {reserve !== undefined && <span class="reserve" style={{ left: `${Math.min(100, Math.max(0, reserve))}%` }} />}
      </div>
      <p class="hint">
        {full > 0 && `Full in ${minutes(full)}. `}
        {empty > 0 && `At its reserve in ${minutes(empty)}. `}
        {reserve !== undefined && (
          <>
            Reserve <Value values={values} path="Control/Battery_Power_Reserve" />.
          </>
        )}
      </p>
    </div>
  );
}

/** What the day's import cost at each rate: the named periods' where there are any, else by day and night. */
function costs(values: Values): [string, string][] {
  const periods = values
    .below(`${RATES}/Periods`)
    .filter(({ name }) => name.endsWith("/Cost_Today"))
    .map(({ name, item }): [string, string] => [`Import, ${name.split("/")[0]}`, item.path]);
  if (periods.length > 0) return periods;
  return [
    ["Import by day", `${RATES}/Day_Cost`],
    ["Import by night", `${RATES}/Night_Cost`],
  ];
}

/** Costs are numbers without a currency: the settings have none. */
function Cost({ values }: { values: Values }) {
  const paid = costs(values).filter(([, path]) => values.item(path));
  if (paid.length === 0) return null;
  const income = `${RATES}/Export_Income_Today`;
  const sum = paid.reduce((all, [, path]) => all + (values.number(path) ?? 0), -(values.number(income) ?? 0));
  const [rate, named] = values.item(`${RATES}/Current_Period`)
    ? [`${RATES}/Current_Period_Rate`, `${RATES}/Current_Period`]
    : [`${RATES}/Current_Rate`, `${RATES}/Current_Rate_Type`];
  return (
    <>
      <h3>Cost</h3>
      <Facts values={values} class="tiles" facts={[...paid, ["Earned by export", income]]} />
      <p class="hint">
        In sum {number(Number(sum.toFixed(2)))}. Rate now: <Value values={values} path={rate} /> a kWh (
        <Value values={values} path={named} />
        ).
      </p>
    </>
  );
}
