// How values are written: exactly as they were read, with thousands set apart.

/** A number as it was read, 12 345.6; at most three decimals, which is what the program publishes. */
export function number(value: number): string {
  const [whole = "", decimals] = Math.abs(value).toFixed(3).replace(/\.?0+$/, "").split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, "\u202f") : whole;
  const sign = value < 0 && Number(value.toFixed(3)) !== 0 ? "\u2212" : "";
  return sign + grouped + (decimals ? `.${decimals}` : "");
}

/** A number with its unit. */
export function amount(value: number, unit = ""): string {
  return unit ? `${number(value)}\u00a0${unit}` : number(value);
}

/** 95 as "1 h 35 min". */
export function minutes(total: number): string {
  const hours = Math.floor(total / 60);
  const rest = Math.round(total % 60);
  if (hours === 0) return `${rest}\u00a0min`;
  return rest === 0 ? `${hours}\u00a0h` : `${hours}\u00a0h ${rest}\u00a0min`;
}

/** How long ago, roughly: 75 as "1 minute". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [count, unit] =
    whole < 60
      ? [whole, "second"]
      : whole < 3600
        ? [Math.floor(whole / 60), "minute"]
        : whole < 172_800
          ? [Math.floor(whole / 3600), "hour"]
          : [Math.floor(whole / 86_400), "day"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY_CLOCK = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});

/** A time of RFC 3339 in the reader's zone, with the day unless it is today. */
export function when(rfc3339: string, now = new Date()): string {
  const date = new Date(rfc3339);
  if (Number.isNaN(date.getTime())) return rfc3339;
  return (date.toDateString() === now.toDateString() ? CLOCK : DAY_CLOCK).format(date);
}

/** `Battery_Cell_Voltage_High` and `part_zero` as words. */
export function words(name: string): string {
  const spaced = name.replace(/_/g, " ").replace(/Invertor/g, "Inverter").replace(/invertor/g, "inverter");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
