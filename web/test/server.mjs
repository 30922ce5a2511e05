// A small server before the program, for tests and for working on the page: it passes everything on, can stand below
// another path as Home Assistant's ingress does, and tells what the program cannot tell at will: a month's past, health,
// a stream that says what it is told to. With `page: "dist"` it serves `dist` itself, under the policy that the program
// has: then a program that was built before the page will do.
import { createServer, request } from "node:http";
import { readFile } from "node:fs/promises";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const dist = join(dirname(fileURLToPath(import.meta.url)), "../dist");
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain" };
const POLICY = "default-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/**
 * Serves on a free port of 127.0.0.1 until `close`. `program` is where the API is; `prefix` is taken off each path, and
 * told as ingress does; `past` tells a simulated past, `health` what is told of health. With `live` the values stream, and
 * `push` sends what a change makes of those that the program has; `only` says what of the API is passed on.
 */
export function serve(options) {
  const { program, prefix = "", past = false, health, page = process.env.PAGE ?? "program", headers = {}, port = 0 } = options;
  const { live = false, only = () => true } = options;
  const seen = [];
  const streams = new Set();
  const server = createServer(async (asked, answer) => {
    const { pathname, search } = new URL(asked.url, "http://page");
    seen.push(`${asked.method} ${pathname}`);
    if (!pathname.startsWith(`${prefix}/`)) return done(answer, 404, "text/plain", "outside of the path");
    const path = pathname.slice(prefix.length);
    if (path.startsWith("/api/")) {
      const told = (past && invented(path, new URLSearchParams(search))) || (path.endsWith("/health") && health);
      if (told) return done(answer, 200, "application/json", JSON.stringify(told));
      if (live && path.endsWith("/snapshot") && asked.headers.accept?.includes("text/event-stream")) {
        return stream(new URL(path, program), answer, streams);
      }
      if (!only(path)) return done(answer, 502, "text/plain", "away");
    } else if (page === "dist") {
      return file(path, answer);
    }
    pass(asked, answer, new URL(path + search, program), prefix ? { "x-ingress-path": prefix, ...headers } : headers);
  });
  return new Promise((resolve) => {
    server.listen(port, "127.0.0.1", () => {
      const close = () => new Promise((closed) => (server.closeAllConnections(), server.close(closed)));
      resolve({ address: `http://127.0.0.1:${server.address().port}${prefix}/`, seen, close, push: (change) => push(streams, change), streams: () => streams.size });
    });
  });
}

function done(answer, status, type, body) {
  answer.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
}

async function file(path, answer) {
  const name = normalize(path === "/" ? "/index.html" : path);
  try {
    const body = await readFile(join(dist, `${name}.gz`));
    answer.writeHead(200, {
      "content-type": TYPES[extname(name)] ?? "application/octet-stream",
      "content-encoding": "gzip",
      "content-security-policy": POLICY,
    });
    answer.end(body);
  } catch {
    done(answer, 404, "text/plain", "no such file");
  }
}

/** A stream of snapshots that says what it is told to. */
function stream(to, answer, streams) {
  const one = { to, answer };
  streams.add(one);
  answer.on("close", () => streams.delete(one));
  answer.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  answer.write(": here\n\n");
}

async function push(streams, change) {
  for (const { to, answer } of streams) {
    const body = await (await fetch(to)).json();
    // In two pieces, as networks have it.
    const text = `event: snapshot\ndata: ${JSON.stringify(change(body))}\n\n`;
    answer.write(text.slice(0, 100));
    setTimeout(() => answer.write(text.slice(100)), 20);
  }
}

function pass(asked, answer, to, headers) {
  const host = asked.headers.host;
  const on = request(to, { method: asked.method, headers: { ...asked.headers, ...headers, host } }, (response) => {
    answer.writeHead(response.statusCode, response.headers);
    response.pipe(answer);
    response.on("error", () => answer.destroy());
  });
  on.on("error", () => (answer.headersSent ? answer.destroy() : done(answer, 502, "text/plain", "the program is away")));
  answer.on("close", () => on.destroy());
  asked.pipe(on);
}

/** Thirty sunny days in a row. */
function invented(path, query) {
  const [, serial, what] = /^\/api\/v1\/plants\/([^/]+)\/(history|energy)$/.exec(path) ?? [];
  if (what === "history") return moments(serial, query);
  if (what === "energy") return { serial, days: days(query) };
  return undefined;
}

const SHAPES = {
  pv_power: ["W", (hour) => Math.max(0, 4200 * Math.sin(((hour - 6) / 14) * Math.PI))],
  load_power: ["W", (hour) => 320 + (hour > 17 && hour < 22 ? 1400 : 0) + 80 * Math.sin(hour * 5)],
  battery_power: ["W", (hour) => (hour > 8 && hour < 13 ? -2400 : hour > 17 ? 1500 : 0)],
  grid_power: ["W", (hour) => (hour > 13 && hour < 17 ? 2800 : hour < 6 ? -300 : 0)],
  soc: ["%", (hour) => (hour < 8 ? 20 : hour < 13 ? 20 + (hour - 8) * 16 : hour < 18 ? 100 : 100 - (hour - 18) * 12)],
};

function moments(serial, query) {
  const from = Math.floor(Date.parse(query.get("from")) / 1000);
  const to = Math.floor(Date.parse(query.get("to")) / 1000);
  const step = to - from <= 2000 * 60 ? 60 : to - from <= 2000 * 300 ? 300 : 3600;
  const series = query.get("series").split(",").map((name) => {
    const [unit, shape] = SHAPES[name];
    const points = [];
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      const mean = Number(shape((at / 3600) % 24).toFixed(1));
      points.push([at, mean, mean, mean]);
    }
    return { name, unit, points };
  });
  return { serial, from: query.get("from"), to: query.get("to"), step_seconds: step, series };
}

function days(query) {
  const list = [];
  for (let at = Date.parse(query.get("from")); at <= Date.parse(query.get("to")); at += 86_400_000) {
    const n = Math.abs(Math.sin(at / 3e8));
    const round = (value) => Number(value.toFixed(1));
    list.push({
      date: new Date(at).toISOString().slice(0, 10),
      pv: round(8 + 20 * n), load: round(11 - 3 * n), import: round(6 - 5 * n), export: round(14 * n),
      charge: round(5 + 4 * n), discharge: round(5 + 3.5 * n), cost: Number((2 - 1.9 * n).toFixed(2)),
    });
  }
  return list;
}
