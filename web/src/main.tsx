// The page as a whole: which inverter, how current its values are, and the sections.

import { render } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { whenTokenIsNeeded } from "./api";
import { Batteries } from "./batteries";
import { Confirm } from "./confirm";
import { Controls } from "./controls";
import { Flow } from "./flow";
import { duration } from "./format";
import { Health, Reach } from "./health";
import { History } from "./history";
import { Live, nameOf, useLive } from "./live";
import { Overrides } from "./overrides";
import { Program } from "./program";
import { Guard } from "./show";
import { Slots } from "./slots";
import { Today } from "./today";
import { TokenDialog } from "./token";
import { soc } from "./values";
import "uplot/dist/uPlot.min.css";
import "./style.css";

const SECTIONS: [string, string][] = [
  ["now", "Now"],
  ["history", "History"],
  ["batteries", "Batteries"],
  ["slots", "Slots"],
  ["controls", "Settings"],
  ["health", "Health"],
  ["program", "Program"],
];

function Page() {
  const live = useMemo(() => new Live(), []);
  const [needed, setNeeded] = useState(false);
  const [asking, setAsking] = useState(false);
  const [faults, setFaults] = useState(0);
  useLive(live);
  useEffect(() => {
    // Asked for by itself once; whoever closes the dialog finds it again in the header.
    whenTokenIsNeeded(() => {
      setNeeded((before) => {
        if (!before) setAsking(true);
        return true;
      });
    });
    const seen = () => (document.hidden ? live.pause() : live.start());
    document.addEventListener("visibilitychange", seen);
    live.start();
    return () => document.removeEventListener("visibilitychange", seen);
  }, [live]);
  const { values } = live;
  const charge = values && soc(values);
  useEffect(() => {
    document.title = [charge && `${charge.value} %`, live.plant?.name, "givtcp"].filter(Boolean).join(" · ");
  }, [charge?.value, live.plant?.name]);
  const sections = SECTIONS.filter(([id]) => id === "now" || id === "history" || document.getElementById(id));
  return (
    <>
      <header class="top">
        <h1>givtcp</h1>
        <Plants live={live} />
        <State live={live} />
        {faults > 0 && (
          <a class="state bad" href="#program" onClick={(event) => jump(event, "program")}>
            The settings file has faults
          </a>
        )}
        {needed && !asking && (
          <button type="button" onClick={() => setAsking(true)}>
            Give the token
          </button>
        )}
        {values && (
          <nav class="sections" aria-label="Sections">
            {sections.map(([id, label]) => (
              <a key={id} href={`#${id}`} onClick={(event) => jump(event, id)}>
                {label}
              </a>
            ))}
          </nav>
        )}
      </header>
      <main class={live.lost || live.stale || values?.body.online === false ? "old" : ""}>
        {values ? (
          <>
            <Guard>
              <Flow values={values} />
            </Guard>
            <div class="beside-flow">
              <Guard>
                <Today values={values} />
              </Guard>
              <Guard>
                <Overrides live={live} values={values} />
              </Guard>
            </div>
            <Guard>
              <History key={values.serial} plant={values.serial} />
            </Guard>
            <Guard>
              <Batteries values={values} />
            </Guard>
            <Guard>
              <Slots live={live} values={values} />
            </Guard>
            <Guard>
              <Controls live={live} />
            </Guard>
            <Guard>
              <Health live={live} values={values} />
            </Guard>
            <Guard>
              <Program onFaults={setFaults} />
            </Guard>
          </>
        ) : (
          <>
            <p class="loading wide">{live.silent || live.lost ? "There is nothing to show yet." : "Reading the inverters…"}</p>
            {live.silent && (
              <>
                <Guard>
                  <Reach live={live} />
                </Guard>
                <Guard>
                  <Program onFaults={setFaults} />
                </Guard>
              </>
            )}
          </>
        )}
      </main>
      <Confirm />
      <TokenDialog
        wanted={asking}
        onGiven={() => {
          setAsking(false);
          setNeeded(false);
          live.start();
        }}
        onClosed={() => setAsking(false)}
      />
    </>
  );
}

/** Goes to a section without changing the address: the part after # names the inverter. */
function jump(event: Event, id: string) {
  event.preventDefault();
  const section = document.getElementById(id);
  section?.scrollIntoView({ block: "start" });
  section?.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
}

/** One button for each inverter, if there are several. */
function Plants({ live }: { live: Live }) {
  const plants = live.plants ?? [];
  if (plants.length < 2) return <p class="plant-name">{plants[0]?.name ?? ""}</p>;
  return (
    <nav class="plants" aria-label="Inverters">
      {plants.map((plant) => {
        // Another process may read it.
        const online = plant.online || (plant === live.plant && live.values?.body.online);
        return (
          <button
            key={plant.number}
            type="button"
            aria-current={plant === live.plant ? "true" : undefined}
            title={plant.name}
            onClick={() => {
              history.replaceState(null, "", `#inverter=${encodeURIComponent(nameOf(plant))}`);
              live.choose(nameOf(plant));
            }}
          >
            <i class={online ? "dot up" : "dot down"} aria-hidden="true" />
            {plant.name}
            {!online && <span class="hint"> offline</span>}
          </button>
        );
      })}
    </nav>
  );
}

/** How current the values are, in words. The age beside them is not said aloud: it changes every second. */
function State({ live }: { live: Live }) {
  const { age, values } = live;
  const [tone, text] = live.lost
    ? ["bad", `No connection: ${live.lost}.`]
    : live.silent
      ? ["bad", `${live.silent.charAt(0).toUpperCase()}${live.silent.slice(1)}.`]
      : values?.body.online === false
        ? ["bad", "The inverter does not answer."]
        : live.stale
          ? ["bad", "Nothing new arrives."]
          : live.health?.link?.state === "standby"
            ? ["good", "Live; another process reads this inverter"]
            : ["good", values ? "Live" : ""];
  return (
    <div class="state-line">
      <p class={`state ${tone}`} role="status">
        {text && <i class={tone === "good" ? "dot up" : "dot down"} aria-hidden="true" />}
        <span>{text}</span>
      </p>
      {values && age !== undefined && (
        <span class="hint age">{tone === "good" ? `${duration(age)} old` : `These values are ${duration(age)} old.`}</span>
      )}
    </div>
  );
}

const root = document.getElementById("page");
if (root) {
  root.textContent = "";
  render(<Page />, root);
}
