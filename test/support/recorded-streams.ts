/** Recorded provider streams in the form that they had on the wire, for tests to replay; absent on most machines. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Dialect } from "../../src/dialects/dialect.ts";

/** Where the recordings are, if they are. */
export const FIXTURES = fileURLToPath(new URL("../../../shared/fixtures/streams/", import.meta.url));

/** For a test's `skip`: `false`, or why. */
export const skipRecorded: string | false = existsSync(FIXTURES) ? false : `no recordings at ${FIXTURES}`;

/** One recorded stream. */
export interface RecordedStream {
  /** Folder and file. */
  readonly name: string;
  readonly dialect: Dialect["name"];
  /** `text_completion`s belong to `/v1/completions`. */
  readonly path: "/v1/chat/completions" | "/v1/completions";
  /** Each event's JSON. */
  readonly events: readonly string[];
  readonly wire: Buffer;
}

/** Every recording of a dialect, told by what its events look like and not by its folder. */
export function recordedStreams(dialect: Dialect["name"]): RecordedStream[] {
  if (skipRecorded !== false) return [];
  return globSync("*/*.chunks.txt", { cwd: FIXTURES })
    .sort()
    .flatMap((name) => {
      const events = eventsOf(name);
      if (dialectOf(events[0] ?? "{}") !== dialect) return [];
      const path = events[0]!.includes('"text_completion"') ? "/v1/completions" : "/v1/chat/completions";
      return [{ name, dialect, path, events, wire: Buffer.from(onTheWire(dialect, events)) }];
    });
}

/** Every recording of OpenAI's Responses API. */
export function recordedResponses(): Pick<RecordedStream, "name" | "events" | "wire">[] {
  if (skipRecorded !== false) return [];
  return globSync("*/*.chunks.txt", { cwd: FIXTURES })
    .sort()
    .flatMap((name) => {
      const events = eventsOf(name);
      if (typeOf(events[0] ?? "{}") !== "response.created") return [];
      return [{ name, events, wire: Buffer.from(events.map(namedEvent).join("")) }];
    });
}

/** The raw Gemini streams: server-sent events as they were, failures and all. */
export function recordedGeminiText(): { readonly name: string; readonly wire: Buffer }[] {
  if (skipRecorded !== false) return [];
  const names = globSync("gemini-mock/*/streaming-*.txt", { cwd: FIXTURES }).sort();
  return names.map((name) => ({ name, wire: readFileSync(FIXTURES + name) }));
}

function dialectOf(event: string): Dialect["name"] | undefined {
  const first = JSON.parse(event) as Record<string, unknown>;
  if (Array.isArray(first["choices"])) return "openai";
  if (first["type"] === "message_start") return "anthropic";
  return "candidates" in first ? "gemini" : undefined;
}

function onTheWire(dialect: Dialect["name"], events: readonly string[]): string {
  if (dialect === "gemini") return events.map((event) => `data: ${event}\r\n\r\n`).join("");
  if (dialect === "openai") return `${events.map((event) => `data: ${event}\n\n`).join("")}data: [DONE]\n\n`;
  return events.map(namedEvent).join("");
}

function eventsOf(name: string): string[] {
  const lines = readFileSync(FIXTURES + name, "utf8").split("\n");
  return lines.filter((line) => line !== "");
}

function typeOf(event: string): unknown {
  return (JSON.parse(event) as { type?: unknown }).type;
}

function namedEvent(event: string): string {
  return `event: ${String(typeOf(event))}\ndata: ${event}\n\n`;
}
