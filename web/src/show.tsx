// Small parts that many sections use.

import type { ComponentChildren } from "preact";
import { useErrorBoundary } from "preact/hooks";
import { amount } from "./format";
import type { Values } from "./values";

/** A value of the snapshot as text; it bears its path, so that what is shown can be compared with what was read. */
export function Value(props: { values: Values; path: string; unit?: string; none?: string }) {
  const item = props.values.item(props.path);
  if (!item) return <span class="none">{props.none ?? "–"}</span>;
  const text = typeof item.value === "number" ? amount(item.value, props.unit ?? item.unit) : String(item.value);
  return (
    <span data-path={props.path} class="value">
      {text}
    </span>
  );
}

/** Keeps what goes wrong in one part from taking the others along. */
export function Guard({ children }: { children: ComponentChildren }) {
  const [error] = useErrorBoundary();
  if (!error) return <>{children}</>;
  return <p class="card wide problem">This part cannot be shown: {String(error)}</p>;
}

/** A section with its heading. */
export function Card(props: { id: string; title: string; wide?: boolean; children: ComponentChildren }) {
  return (
    <section id={props.id} class={props.wide ? "card wide" : "card"} aria-labelledby={`${props.id}-title`}>
      <h2 id={`${props.id}-title`} tabIndex={-1}>{props.title}</h2>
      {props.children}
    </section>
  );
}

/** Names with values, those that were read; `[label, path]`. */
export function Facts(props: { values: Values; facts: [string, string][]; class?: string }) {
  const read = props.facts.filter(([, path]) => props.values.item(path));
  if (read.length === 0) return null;
  return (
    <dl class={`facts ${props.class ?? ""}`}>
      {read.map(([label, path]) => (
        <div key={path}>
          <dt>{label}</dt>
          <dd>
            <Value values={props.values} path={path} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
