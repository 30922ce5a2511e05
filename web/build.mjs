// Builds the page into `dist/`, always the same bytes from the same sources; with `--check` it only says whether what
// lies there is current. Each file has its gzip form beside it. Compression differs between versions of zlib, so a
// check compares what is inside.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
/** What the first load may weigh at most, in bytes, compressed. */
const LIMIT = 100 * 1024;

const files = await made();
const weight = [...files.values()].reduce((sum, bytes) => sum + gzipped(bytes).length, 0);
if (weight > LIMIT) fail(`the page weighs ${weight} bytes compressed, more than ${LIMIT}`);
if (process.argv.includes("--check")) await check();
else await write();
console.log(`web/dist: ${files.size} files, ${(weight / 1024).toFixed(1)} KiB compressed`);

/** Every file of the page, by its path below `dist`. */
async function made() {
  const result = await build({
    absWorkingDir: here,
    entryPoints: { app: "src/main.tsx" },
    outdir: "dist/assets",
    entryNames: "[name]-[hash]",
    bundle: true,
    minify: true,
    format: "esm",
    target: ["es2022", "chrome105", "firefox115", "safari16"],
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    charset: "utf8",
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
  });
  const files = new Map(result.outputFiles.map((file) => [relative(dist, file.path), Buffer.from(file.contents)]));
  const named = (end) => [...files.keys()].find((name) => name.endsWith(end));
  const html = await readFile(join(here, "src/index.html"), "utf8");
  files.set("index.html", Buffer.from(html.replace("app.js", named(".js")).replace("app.css", named(".css"))));
  files.set("favicon.svg", await readFile(join(here, "src/favicon.svg")));
  files.set("licenses.txt", await licenses());
  return files;
}

/** The licences of what is built in, which ask to be passed on. */
async function licenses() {
  const texts = await Promise.all(
    ["preact", "uplot"].map(async (name) => {
      const { version } = JSON.parse(await readFile(join(here, "node_modules", name, "package.json"), "utf8"));
      return `${name} ${version}\n\n${await readFile(join(here, "node_modules", name, "LICENSE"), "utf8")}`;
    }),
  );
  return Buffer.from(texts.join("\n\n----\n\n"));
}

function gzipped(bytes) {
  return gzipSync(bytes, { level: 9 });
}

async function write() {
  await rm(dist, { recursive: true, force: true });
  for (const [name, bytes] of files) {
    const path = join(dist, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    await writeFile(`${path}.gz`, gzipped(bytes));
  }
}

async function check() {
  const there = (await readdir(dist, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dist, join(entry.parentPath, entry.name)));
  const wanted = [...files.keys()].flatMap((name) => [name, `${name}.gz`]);
  const odd = [
    ...there.filter((name) => !wanted.includes(name)).map((name) => `${name} is no part of the page`),
    ...wanted.filter((name) => !there.includes(name)).map((name) => `${name} is missing`),
  ];
  for (const [name, bytes] of files) {
    if (odd.length > 0) break;
    const kept = await readFile(join(dist, name));
    const packed = gunzipSync(await readFile(join(dist, `${name}.gz`)));
    if (!kept.equals(bytes) || !packed.equals(bytes)) odd.push(`${name} is not what the sources make`);
  }
  if (odd.length > 0) fail(`web/dist is not current: run scripts/page\n  ${odd.join("\n  ")}`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
