// The page in a real browser, before the real program and simulated plants.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { browse, run, simulate, until } from "./parts.mjs";
import { serve } from "./server.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const shots = new URL("./out/", import.meta.url).pathname;
const TOKEN = "0123456789abcdef0123";
const FAMILIES = ["hybrid-gen1", "ems", "three-phase-hybrid"];
/** The plant of the force charge: by night, so that its charging comes from nowhere else. */
const NIGHT = 4;

// Each test of several seconds mostly waits for polls, so some go at a time.
const AT_A_TIME = 4;

let plants, given, witness, browser, front;
/** What a failed test leaves open. */
const rest = [];

before(async () => {
  mkdirSync(shots, { recursive: true });
  plants = await Promise.all(FAMILIES.map((family, place) => simulate(family, place + 1, 12)));
  plants.push(await simulate("hybrid-gen1", NIGHT, 22));
  given = await run(plants.map(({ port }) => port), { token: TOKEN, past: process.env.PAST });
  // Reads that plant by a connection of its own, past the program under test.
  witness = await run([plants[NIGHT - 1].port]);
  browser = await browse();
  front = await stand({ past: true });
  await until("every plant was read", async () => {
    const { plants: all } = await given.api("plants");
    const ready = await Promise.all(all.map(({ number }) => given.api(`plants/${number}/controls`)));
    return all.every(({ online }) => online) && ready.every(({ controls }) => controls.length > 0);
  });
});

after(async () => {
  await browser?.close();
  await Promise.all(rest.map((close) => close()));
  await given?.end();
  await witness?.end();
  await Promise.all((plants ?? []).map(({ stop }) => stop()));
});

/** A server before the program, closed in the end. */
async function stand(options = {}) {
  const server = await serve({ program: given.address, ...options });
  rest.push(server.close);
  return server;
}

/** Opens an inverter's page, by its number, when its values are there. */
async function open(number, options = {}, address = front.address) {
  const { plants: all } = await given.api("plants");
  const opened = await browser.open(`${address}#inverter=${all[number - 1].serial}`, options);
  await opened.page.waitForSelector("#controls");
  return { ...opened, serial: all[number - 1].serial };
}

/** What the page shows of each path, all at one moment. */
function shown(page) {
  return page.evaluate(() => [...document.querySelectorAll("[data-path]")].map((one) => [one.dataset.path, one.textContent]));
}

/** The number in a text, as "−12 345.6 W". */
function read(text) {
  return Number(text.replace(/\u2212/, "-").replace(/[\u202f\u00a0]/g, "").replace(/[^\d.-].*$/, ""));
}

/** Whether a text says a value. */
function says(text, value) {
  return typeof value === "number" ? Math.abs(read(text) - value) < 0.0006 : text === String(value);
}

describe("the page", { concurrency: AT_A_TIME }, () => {
  // Those that wait longest begin first.
  test("a force charge begins and ends from the page, and the inverter does as it says", async () => {
    const { page, faults, close, serial } = await open(NIGHT);
    const plant = async () => {
      const { values } = await witness.api("plants/1/snapshot");
      const value = (path) => values.find((one) => one.path === path)?.value;
      return { end: value("Timeslots/Charge_end_time_slot_1"), power: value("Power/Power/Battery_Power") };
    };
    const before = await until("the witness has read it", async () => ((await plant()).end ? plant() : undefined));
    assert.ok(before.power > 0, "by night the battery serves the house");
    const row = page.locator('[data-override="forceCharge"]');
    await row.locator("select").selectOption("30");
    await row.getByRole("button", { name: "Start" }).click();
    await row.getByText("Done:").waitFor();
    const { overrides } = await given.api(`plants/${serial}/overrides`);
    assert.equal(overrides[0]?.command, "forceCharge");
    await row.locator("[data-minutes-left]").waitFor();
    assert.ok(Math.abs(Number(await row.locator("[data-minutes-left]").getAttribute("data-minutes-left")) - overrides[0].minutes_left) <= 1);
    await until("the battery charges, in a slot", async () => {
      const { end, power } = await plant();
      return end !== before.end && power < -2000;
    });
    await page.locator('[data-flow="battery"][data-direction="out"]').waitFor();
    await page.screenshot({ path: `${shots}force-charge.png` });
    await row.getByRole("button", { name: "Cancel" }).click();
    await row.getByRole("button", { name: "Start" }).waitFor();
    assert.deepEqual((await given.api(`plants/${serial}/overrides`)).overrides, []);
    await until("what was set before is put back", async () => {
      const { end, power } = await plant();
      return end === before.end && power > 0;
    });
    assert.deepEqual(faults, []);
    await close();
  });

  test("an inverter that was never read, or no longer answers, is said to be so", async () => {
    const plant = await simulate("hybrid-gen1", 5, 12);
    rest.push(plant.stop);
    const nobody = await run([plant.port, 9]);
    rest.push(nobody.end);
    const { page, close } = await browser.open(`${nobody.address}/`);
    await page.getByRole("button", { name: "Inverter 2" }).click();
    await page.getByText("Nothing was read of this inverter yet").waitFor();
    // Whoever has set a wrong address finds the settings, and help.
    await page.locator("#health").getByText(/No connection, tried again soon|Connecting/).waitFor();
    await page.getByRole("button", { name: "Make the archive" }).waitFor();
    await page.locator("#program").getByText("Every setting in force").waitFor();
    await page.getByRole("button", { name: "Inverter 1" }).click();
    await page.waitForSelector("#controls");
    await page.getByText("Live", { exact: true }).waitFor();
    await writeFile(nobody.file, '{ "poll": { "every": "1s" } }');
    await page.getByRole("link", { name: "The settings file has faults" }).waitFor({ timeout: 30_000 });
    await page.locator("#program").getByText("poll.every: must be at least 5s: 1s").waitFor();
    await plant.stop();
    await page.getByText("The inverter does not answer.").waitFor({ timeout: 25_000 });
    await page.getByText(/These values are \d+ seconds? old/).waitFor();
    assert.equal(await page.locator("main.old").count(), 1);
    await close();
  });

  for (const [place, family] of FAMILIES.entries()) {
    test(`every number of ${family} is the program's, within a poll`, async () => {
      const { page, faults, close, serial } = await open(place + 1);
      await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
      await page.waitForSelector(".all [data-path]");
      const odd = await until("all values agree", async () => {
        const early = await given.api(`plants/${serial}/snapshot`);
        const seen = await shown(page);
        const late = await given.api(`plants/${serial}/snapshot`);
        if (seen.length < early.values.length) return undefined;
        const sayings = [early, late].map(({ values }) => new Map(values.map(({ path, value }) => [path, value])));
        const wrong = seen.filter(([path, text]) => !sayings.some((said) => said.has(path) && says(text, said.get(path))));
        if (wrong.length > 0) throw new Error(JSON.stringify(wrong.slice(0, 5)));
        return { seen: seen.length };
      });
      assert.ok(odd.seen > 100, `only ${odd.seen} values are shown`);
      assert.deepEqual(faults, []);
      await close();
    });

    test(`each flow of ${family} goes the way that the sign of its value says`, async () => {
      const { page, close, serial } = await open(place + 1);
      // All of it at one moment: the numbers themselves are compared with the program's by the test before.
      const drawn = await page.evaluate(() =>
        [...document.querySelectorAll("[data-flow]")].map(({ dataset: { flow, direction } }) => {
          const text = document.querySelector(`.flow .place.${flow} [data-path]`);
          return { flow, direction, path: text.dataset.path, text: text.textContent };
        }),
      );
      assert.deepEqual(drawn.map(({ flow }) => flow).sort(), ["battery", "grid", "house", "sun"]);
      for (const { flow, direction, path, text } of drawn) {
        // What is positive goes into the inverter, but the house's, and the grid's as all but plant controllers have it.
        const outward = flow === "house" || path === "Power/Power/Grid_Power";
        const inward = outward ? -read(text) : read(text);
        assert.equal(direction, inward > 0 ? "in" : inward < 0 ? "out" : "none", `${flow}: ${text}`);
      }
      // The same flows as the program has worked them out, where it does.
      const { values } = await given.api(`plants/${serial}/snapshot`);
      const flows = values.filter(({ path, value }) => path.startsWith("Power/Flows/Solar_to") && value > 100);
      if (flows.length > 0) assert.equal(drawn.find(({ flow }) => flow === "sun").direction, "in");
      await close();
    });
  }

  test("a setting is set, and the page says what came of it", async () => {
    const { page, close, serial } = await open(1);
    const row = page.locator('[data-control="setChargeRate"]');
    await row.locator('input[type="number"]').fill("999999");
    await row.getByText(/A whole number from 0 to/).waitFor();
    assert.equal(await row.locator('input[type="number"]').getAttribute("aria-invalid"), "true");
    await row.locator('input[type="number"]').fill("1500");
    await row.getByRole("button", { name: "Set" }).click();
    await row.getByText(/The nearest that it takes: 1417/).waitFor();
    await until("the page shows the new rate", async () => (await row.textContent()).includes("Now 1417"));
    const { controls } = await given.api(`plants/${serial}/controls`);
    assert.equal(controls.find(({ command }) => command === "setChargeRate").value, 1417);
    // What the inverter refuses is said in the program's words.
    await page.route("**/commands/setBatteryReserve", (route) =>
      route.fulfill({ status: 409, json: { asked: "reserve 20 %", outcome: "refused", code: "busy", why: "32 commands wait already", registers: [] } }),
    );
    const other = page.locator('[data-control="setBatteryReserve"]');
    await other.locator('input[type="number"]').fill("20");
    await other.getByRole("button", { name: "Set" }).click();
    await other.getByText("Refused: 32 commands wait already.").waitFor();
    await close();
  });

  test("a slot is set and cleared on its bar", async () => {
    const { page, close } = await open(1);
    const editor = page.locator('[data-editor="setDischargeSlot1"]');
    await editor.locator('input[type="time"]').first().fill("22:00");
    await editor.locator('input[type="time"]').last().fill("02:00");
    await editor.getByRole("button", { name: "Set" }).click();
    await editor.getByText("Done:").waitFor();
    await until("a slot over midnight is two pieces", async () => (await page.locator('[data-slot="setDischargeSlot1"]').count()) === 2);
    await editor.getByRole("button", { name: "Clear" }).click();
    await until("it is gone", async () => (await page.locator('[data-slot="setDischargeSlot1"]').count()) === 0);
    await close();
  });

  test("a simulated day that was read and kept is charted, and every moment is the program's", async () => {
    const front = await stand();
    const { page, faults, serial, close } = await open(1, {}, front.address);
    const chart = page.locator("#history .canvas").first();
    await chart.locator("canvas").waitFor();
    const asked = () => page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => name.includes("/history?")).at(-1));
    const told = await given.api(`plants/${serial}/history?${new URL(await asked()).searchParams}`);
    const names = ["pv_power", "load_power", "battery_power", "grid_power"];
    const points = names.map((name) => told.series.find((one) => one.name === name).points);
    assert.ok(points.every((list) => list.length > 1400), `a day of ${points[0].length} minutes`);
    // Each minute of a day comes once.
    const minute = (at) => new Date(at * 1000).toTimeString().slice(0, 5);
    const means = points.map((list) => new Map(list.slice(-1430).map(([at, mean]) => [minute(at), mean])));
    const shown = async (name) => {
      const text = await page.locator(`#history [data-series="${name}"] b`).first().textContent();
      return text === "–" ? null : Number(text.replace("\u2212", "-").replace(/[^-\d.]/g, ""));
    };
    await chart.focus();
    await page.keyboard.press("End");
    const seen = new Set();
    for (let place = 0; place < 1400; place += 10) {
      const [at] = /\d\d:\d\d/.exec(await page.locator("#history .moment").first().textContent());
      for (const [index, name] of names.entries()) {
        const value = Math.round(means[index].get(at) ?? NaN);
        const read = await shown(name);
        // A minute that was not read is a gap, the newest may be read meanwhile.
        if (read === null || place === 0) continue;
        assert.ok(Math.abs(read - value) <= 1, `${name} at ${at}: ${read} of ${value}`);
        seen.add(`${name} ${value}`);
      }
      await page.keyboard.press("PageUp");
    }
    assert.ok(seen.size > 200, "a day with everything");
    await page.screenshot({ path: `${shots}day.png`, fullPage: true });
    assert.deepEqual(faults, []);
    await close();
  });

  test("charts of a month, read by keys, and zoom asks for finer values", async () => {
    const { page, close } = await open(1);
    const chart = page.locator("#history .canvas").first();
    await chart.locator("canvas").waitFor();
    const inked = () =>
      chart.locator("canvas").evaluate((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const colours = new Set();
        for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200) colours.add(`${data[at] >> 5} ${data[at + 1] >> 5} ${data[at + 2] >> 5}`);
        return colours.size;
      });
    await until("lines are drawn", async () => (await inked()) >= 4);
    await chart.focus();
    await page.keyboard.press("Home");
    const early = await page.locator("#history .moment").first().textContent();
    await page.keyboard.press("ArrowRight");
    assert.notEqual(await page.locator("#history .moment").first().textContent(), early);
    assert.match(await page.locator('#history [data-series="load_power"]').first().textContent(), /House\s\d+\sW/);
    const asks = () => page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => name.includes("/history?")));
    const width = (address) => {
      const query = new URL(address).searchParams;
      return (Date.parse(query.get("to")) - Date.parse(query.get("from"))) / 3_600_000;
    };
    assert.equal(width((await asks()).at(-1)), 24);
    await chart.scrollIntoViewIfNeeded();
    const box = await chart.locator(".u-over").boundingBox();
    await page.mouse.move(box.x + box.width * 0.25, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 50, { steps: 4 });
    await page.mouse.up();
    await until("a quarter of the day is asked for", async () => Math.abs(width((await asks()).at(-1)) - 6) < 0.2);
    await page.getByRole("button", { name: "30 days" }).click();
    await until("a month is asked for", async () => width((await asks()).at(-1)) === 720);
    await page.getByText("As a table").click();
    assert.equal(await page.locator("#history tbody tr").count(), 30);
    await close();
  });

  test("below another path, with ingress' headers and a token, everything still works", async () => {
    const ingress = await stand({
      prefix: "/api/hassio_ingress/a1B2c3",
      past: true,
      headers: { "x-forwarded-for": "192.168.1.7", "x-forwarded-host": "homeassistant.local" },
    });
    const { page, faults, asked, close } = await browser.open(ingress.address);
    // No header could bear this one.
    await page.locator("#token").fill("\u201dümläut");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText("This token is not the right one.").waitFor();
    await page.locator("#token").fill("not the one that it is");
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText("This token is not the right one.").waitFor();
    // Whoever closes the dialog finds it again.
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Give the token" }).click();
    await page.locator("#token").fill(TOKEN);
    await page.getByRole("button", { name: "Go on" }).click();
    await page.waitForSelector("#controls");
    const row = page.locator('[data-control="setBatteryCutoff"]');
    await row.locator('input[type="number"]').fill("5");
    await row.getByRole("button", { name: "Set" }).click();
    await row.getByText("Done:").waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.getItem("givtcp-token")), TOKEN);
    await page.reload();
    await page.waitForSelector("#controls");
    assert.deepEqual(asked.filter((url) => !url.startsWith(ingress.address)), [], "nothing is asked of anybody else");
    assert.deepEqual(ingress.seen.filter((line) => !line.includes("/api/hassio_ingress/a1B2c3/")), []);
    assert.deepEqual(faults, []);
    await close();
  });

  test("the program's values arrive by a stream, without asking again", async () => {
    const front = await stand({ past: true });
    const { page, close } = await open(1, {}, front.address);
    const asked = () => front.seen.filter((line) => line.endsWith("/snapshot")).length;
    await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
    const told = () => page.locator('.all [data-path="Stats/Last_Updated_Time"]').textContent();
    await until("the stream is open", () => asked() === 2);
    for (let poll = 0; poll < 2; poll++) {
      const before = await told();
      await until("a poll arrives", async () => (await told()) !== before);
    }
    assert.equal(asked(), 2, "one answer at first, and the stream");
    await close();
  });

  test("values that stream are shown as they come", async () => {
    const streaming = await stand({ past: true, live: true });
    const { page, close } = await open(1, { motion: "no-preference" }, streaming.address);
    const stamps = () => streaming.seen.filter((line) => line.endsWith("/snapshot")).length;
    await until("the stream is open", async () => streaming.streams() === 1);
    const asked = stamps();
    await streaming.push((body) => ({ ...body, values: body.values.map((one) => (one.path === "Power/Power/Load_Power" ? { ...one, value: 4321 } : one)) }));
    await page.locator('.flow [data-path="Power/Power/Load_Power"]').getByText("4321").waitFor({ timeout: 1_000 });
    assert.equal(stamps(), asked, "nothing is polled beside the stream");
    const moving = await page.locator('[data-flow="house"] .stream').evaluate((one) => getComputedStyle(one).animationName);
    assert.equal(moving, "stream");
    await close();
    await until("the stream is closed with its page", async () => streaming.streams() === 0);
  });

  for (const [width, dark] of [[360, false], [360, true], [1280, false], [1280, true]]) {
    test(`at ${width} px, ${dark ? "dark" : "light"}: no sideways scroll, no text over text, nothing serious for axe`, async () => {
      for (const number of width === 360 ? [1, 2] : [1]) {
        const { page, close } = await open(number, { width, height: 800, dark });
        await page.locator("#history canvas").first().waitFor();
        for (const opened of [false, true]) {
          if (opened) await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
          await page.waitForTimeout(100);
          assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, "it scrolls sideways");
          assert.deepEqual(await page.evaluate(overlaps), []);
        }
        if (number === 1) {
          await page.screenshot({ path: `${shots}${width}-${dark ? "dark" : "light"}.png`, fullPage: true });
          // The page's policy forbids scripts of others, so axe comes by the debugger.
          await page.evaluate(axe);
          const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
          const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
          assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html.slice(0, 120)).slice(0, 3)]), []);
        }
        await close();
      }
    });
  }

  test("an archive for whoever helps is made and handed over", async () => {
    const { page, serial, close } = await open(1);
    const handed = page.waitForEvent("download");
    await page.getByRole("button", { name: "Make the archive" }).click();
    const archive = await (await handed).path();
    const texts = gunzipSync(readFileSync(archive)).toString("latin1");
    assert.match(texts, /settings\.txt/);
    assert.ok(!texts.includes(TOKEN) && !texts.includes(serial));
    await page.getByText("Look into it before you send it").waitFor();
    await close();
  });

  test("health is shown as far as the program tells it", async () => {
    const health = {
      address: "192.168.1.20:8899",
      transport: "dongle",
      link: { state: "connected", since: new Date().toISOString(), requests: 12345, latency_ms: 120 },
      locks: [
        { name: "inverter_link:192.168.1.20:8899", holder: "pi:812", ours: false, fence: 12 },
        { name: "inverter_write:SD2227G101", holder: null },
      ],
      statuses: [{ name: "force_charge", state: "running" }],
      group: { role: "standby", members: ["pi:812", "nas:77"] },
      writes: { today: 12, limit: 300 },
      mqtt: { enabled: true, connected: false, broker: "127.0.0.1:1883" },
    };
    const front = await stand({ past: true, health });
    const { page, faults, close } = await open(1, { width: 360 }, front.address);
    await page.getByText("Writes today12 of 300").waitFor();
    const text = await page.locator("#health").textContent();
    for (const said of ["held by pi:812", "free", "Standby in its standby group with pi:812, nas:77", "not connected, 127.0.0.1:1883"]) {
      assert.ok(text.includes(said), `"${said}" is not in: ${text}`);
    }
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360, "it scrolls sideways");
    assert.deepEqual(await page.evaluate(overlaps), []);
    await page.locator("#health").screenshot({ path: `${shots}health.png` });
    assert.deepEqual(faults, []);
    await close();
  });

  test("several inverters are chosen by keyboard, and one that is chosen stays so", async () => {
    const { page, close } = await open(1);
    const second = page.getByRole("navigation", { name: "Inverters" }).getByRole("button", { name: "Inverter 2" });
    await second.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Inverters behind it" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Inverters behind it" }).waitFor();
    assert.equal(await page.locator('[aria-current="true"]').textContent(), "Inverter 2");
    await close();
  });

  test("without history the page says so and shows the rest", async () => {
    const bare = await stand({ only: (path) => !/\/(history|energy)$/.test(path) });
    const { page, close } = await open(1, {}, bare.address);
    await page.getByText("What was cannot be shown").waitFor();
    assert.ok((await shown(page)).length > 50);
    await close();
  });

  test("the first load is below 100 KB", async () => {
    const { page, close } = await open(1);
    const weight = await page.evaluate(() =>
      performance.getEntries().filter(({ entryType, name }) => entryType === "navigation" || (entryType === "resource" && !name.includes("/api/"))).reduce((sum, one) => sum + one.encodedBodySize, 0),
    );
    assert.ok(weight > 10_000 && weight < 100_000, `it is ${weight} bytes`);
    await close();
  });
});

// The last: it ends the program.
test("when the program is away the page says so and how old its values are, and lives again with it", async () => {
  const { page, close } = await open(1);
  await page.getByText("Live", { exact: true }).waitFor();
  await given.stop();
  await page.getByText("No connection:").waitFor();
  await page.getByText(/These values are \d+ seconds? old/).waitFor();
  assert.equal(await page.locator("main.old").count(), 1);
  const again = await run(plants.map(({ port }) => port), { token: TOKEN, listen: given.port });
  await page.getByText("Live", { exact: true }).waitFor({ timeout: 20_000 });
  assert.equal(await page.locator("main.old").count(), 0);
  await close();
  await again.end();
});

/** Pairs of texts that lie over each other; runs in the page. */
function overlaps() {
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const texts = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (node.textContent.trim() === "" || parent.closest("title, option, .unseen, .all") || !parent.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const { left, right, top, bottom } of range.getClientRects()) {
      if (right - left > 1 && bottom - top > 1) texts.push({ left, right, top, bottom, text: node.textContent.trim() });
    }
  }
  texts.sort((a, b) => a.top - b.top);
  const found = [];
  texts.forEach((one, place) => {
    for (let next = place + 1; next < texts.length && texts[next].top < one.bottom - 3; next++) {
      const other = texts[next];
      if (other.left < one.right - 2 && other.right > one.left + 2) found.push([one.text, other.text]);
    }
  });
  return found;
}
