// The real parts of a test: simulated plants, the program, and a browser. Everything on free ports of 127.0.0.1, and
// ended by who started it.
import { spawn } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** The program under test. */
export const program = process.env.GIVTCP ?? "../target/debug/givtcp";
const browser = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Starts the program with arguments, and waits for a line that matches. */
function start(args, line) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env.PATH, HOME: tmpdir() } });
  let said = "";
  const found = new Promise((resolve, reject) => {
    const take = (chunk) => {
      said += chunk;
      const match = line.exec(said);
      if (match) resolve(match[1]);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("exit", () => reject(new Error(`${program} ${args.join(" ")} ended:\n${said}`)));
    setTimeout(() => reject(new Error(`${program} ${args.join(" ")} did not say ${line}:\n${said}`)), 10_000).unref();
  });
  const stop = () =>
    new Promise((ended) => {
      if (child.exitCode !== null || child.signalCode !== null) return ended();
      child.on("exit", ended);
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), 4_000).unref();
    });
  return { found, stop };
}

/** A simulated plant, at an hour of today by its own clock. Answers its port. */
export async function simulate(family, plant, hour) {
  const args = ["simulate", "--listen", "127.0.0.1:0", "--delay", "5", "--family", family, "--plant", String(plant)];
  const { found, stop } = start([...args, "--start", new Date().toISOString().slice(0, 19).replace(/T../, `T${hour}`)], /listens on 127\.0\.0\.1:(\d+)/);
  return { port: Number(await found), stop };
}

/** The program, polling these ports every five seconds, with what the folder `past` has as its data directory. */
export async function run(ports, { token, listen = 0, past } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "givtcp-page-"));
  if (past) await cp(past, join(folder, "data"), { recursive: true });
  const settings = {
    data_dir: join(folder, "data"),
    inverters: ports.map((port, place) => ({ host: "127.0.0.1", port, name: `Inverter ${place + 1}` })),
    poll: { every: "5s", settings_every: "5s" },
    link: { gap: "20ms", jitter: "0s" },
    mqtt: { enabled: false },
    control: { clock_sync: { enabled: false } },
    http: { listen: `127.0.0.1:${listen}`, ...(token ? { token } : {}) },
  };
  const file = join(folder, "givtcp.json");
  await writeFile(file, JSON.stringify(settings));
  const { found, stop } = start(["run", "--config", file], /listening on http:\/\/127\.0\.0\.1:(\d+)/);
  const port = Number(await found);
  const end = async () => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { address: `http://127.0.0.1:${port}`, port, file, stop, end, api: (route) => api(`http://127.0.0.1:${port}`, route) };
}

async function api(address, route) {
  const response = await fetch(`${address}/api/v1/${route}`);
  if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Waits until `ask` answers something true, 15 s at most. */
export async function until(what, ask) {
  const end = Date.now() + 15_000;
  let last;
  while (Date.now() < end) {
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within 15 s: ${what}${last ? ` (${last.message})` : ""}`);
}

/** A browser that asks nobody but us. Each page of it is its own person. */
export async function browse() {
  const running = await chromium.launch({
    executablePath: browser,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });
  const open = async (address, { width = 1280, height = 900, dark = false, motion = "reduce" } = {}) => {
    const context = await running.newContext({
      viewport: { width, height },
      colorScheme: dark ? "dark" : "light",
      reducedMotion: motion,
      locale: "en-GB",
    });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const faults = [];
    const asked = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => message.type() === "error" && !/Failed to load resource/.test(message.text()) && faults.push(message.text()));
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(address);
    return { page, faults, asked, close: () => context.close() };
  };
  return { open, close: () => running.close() };
}
