// For working on the page: `node dev.mjs [address of the program] [port]`. Build first; a past is invented.
import { serve } from "./test/server.mjs";

const [program = "http://127.0.0.1:8099", port = "8100"] = process.argv.slice(2);
const { address } = await serve({ program, port: Number(port), page: "dist", past: true });
console.log(`${address} shows what ${program} says`);
