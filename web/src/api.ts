// Asking the program: one place for addresses, the token, and what errors say.

import type { Report } from "./types";

const KEPT = "givtcp-token";
/** So long an answer may take, in ms: a command is answered within nine seconds. */
const PATIENCE = 12_000;

/** Why there is no answer, in words that may be shown. */
export class Trouble extends Error {
  /** `status` is HTTP's, 0 if nothing answered at all. */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly report?: Report,
  ) {
    super(message);
  }
}

let ahead = 0;

/** The program's time, ms since 1970: ages are judged by its clock, not the browser's. */
export function now(): number {
  return Date.now() + ahead;
}

/** Learns the program's time from an answer. */
export function learnTime(response: Response) {
  const told = Date.parse(response.headers.get("date") ?? "");
  // The header counts whole seconds: within two of them the clocks agree.
  if (!Number.isNaN(told)) ahead = Math.abs(told - Date.now()) < 2000 ? 0 : told - Date.now();
}

let onNoToken: (() => void) | undefined;

/** Calls `then` whenever the program asks for the token. */
export function whenTokenIsNeeded(then: () => void) {
  onNoToken = then;
}

/** Keeps the token until the tab is closed. */
export function keepToken(token: string) {
  try {
    sessionStorage.setItem(KEPT, token);
  } catch {
    held = token;
  }
}

let held: string | undefined;

/** The token, if one was given. */
export function token(): string | undefined {
  try {
    return sessionStorage.getItem(KEPT) ?? held;
  } catch {
    return held;
  }
}

/** What every request bears. */
export function headers(more: Record<string, string> = {}): Record<string, string> {
  const kept = token();
  return kept ? { ...more, Authorization: `Bearer ${kept}` } : more;
}

/** The address of a route: relative to the page, so that it holds below any path. */
export function address(route: string): string {
  return new URL(`api/v1/${route}`, document.baseURI).href;
}

/** Reads a route. */
export async function get<T>(route: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(route, { headers: headers({ Accept: "application/json" }), signal });
  return (await response.json()) as T;
}

/** Reads a route that is a file. */
export async function blob(route: string): Promise<Blob> {
  const response = await ask(route, { headers: headers() });
  return response.blob();
}

/** Asks a route to do something. */
export async function post<T>(route: string, body: unknown): Promise<T> {
  const response = await ask(route, {
    method: "POST",
    headers: headers({ "Content-Type": "application/json", Accept: "application/json" }),
    body: JSON.stringify(body),
  });
  return (await response.json()) as T;
}

/** Gives a command; an outcome that is a failure is thrown, with its report. */
export async function command(plant: string, name: string, body: unknown): Promise<Report> {
  return post<Report>(`plants/${encodeURIComponent(plant)}/commands/${name}`, body);
}

async function ask(route: string, init: RequestInit): Promise<Response> {
  const deadline = AbortSignal.timeout(PATIENCE);
  const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
  let response: Response;
  try {
    response = await fetch(address(route), { ...init, signal, cache: "no-store" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    const late = deadline.aborted;
    throw new Trouble(0, late ? "late" : "away", late ? "givtcp did not answer in time" : "givtcp cannot be reached");
  }
  learnTime(response);
  if (response.ok) return response;
  throw await trouble(response);
}

/** What an answer that is no success says. */
export async function trouble(response: Response): Promise<Trouble> {
  if (response.status === 401) onNoToken?.();
  let said: Report = {};
  try {
    said = (await response.json()) as Report;
  } catch {
    // Not our program's words: something between it and the page.
  }
  const words = said.why ?? said.message ?? `the server answered ${response.status} ${response.statusText}`.trim();
  return new Trouble(response.status, said.code ?? "", words, said.outcome ? said : undefined);
}

/** Words for whatever was thrown. */
export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
