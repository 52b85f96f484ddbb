/** Reads llhttp's Markdown test cases for responses: the bytes, and what its log says they mean. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** One case. */
export interface LlhttpCase {
  /** `file: heading`. */
  readonly name: string;
  /** `response`, `response-finish` or `response-lenient-…`. */
  readonly type: string;
  /** The parser was told that the request was HEAD. */
  readonly skipBody: boolean;
  readonly input: Buffer;
  /** The first final (not 1xx) response in the log. */
  readonly expected: ExpectedResponse;
}

/** What the log says. */
export interface ExpectedResponse {
  /** The reason of an error before the response was complete. */
  readonly error: string | undefined;
  readonly status: number;
  /** Flat pairs, names in lower case. */
  readonly headers: readonly string[];
  /** As latin1. */
  readonly body: string;
  /** Where the response was complete; `undefined` when it was not. */
  readonly completeAt: number | undefined;
  /** The body lasts until the connection closes. */
  readonly untilClose: boolean;
}

const FLAG_CHUNKED = 0x8;
const FLAG_CONTENT_LENGTH = 0x20;

/** @returns the cases of every `.md` file in `directory`. */
export function readLlhttpCases(directory: string): LlhttpCase[] {
  const files = readdirSync(directory).filter((file) => file.endsWith(".md"));
  return files.sort().flatMap((file) => casesOf(file, readFileSync(path.join(directory, file), "utf8")));
}

function casesOf(file: string, markdown: string): LlhttpCase[] {
  const cases: LlhttpCase[] = [];
  const block = /<!--\s*meta=(\{.*?\})\s*-->\s*```http\n([\s\S]*?)```[\s\S]*?```log\n([\s\S]*?)```/g;
  for (const match of markdown.matchAll(block)) {
    const headings = [...markdown.slice(0, match.index).matchAll(/^#+ (.*)$/gm)];
    const meta = JSON.parse(match[1]!) as { type: string; skipBody?: boolean };
    const input = unescape(match[2]!);
    cases.push({
      name: `${file}: ${headings.at(-1)?.[1] ?? "?"}`,
      type: meta.type,
      skipBody: meta.skipBody === true,
      input,
      expected: readLog(match[3]!, input),
    });
  }
  return cases;
}

/** The order of the steps matters and is llhttp's own. */
function unescape(text: string): Buffer {
  const escapes: Record<string, string> = { r: "\r", n: "\n", t: "\t", f: "\f" };
  return Buffer.from(
    text
      .replace(/\n$/, "")
      .replaceAll(/\\\n/g, "")
      .replaceAll("\n", "\r\n")
      .replaceAll(/\\([rntf])/g, (_all, letter: string) => escapes[letter]!)
      .replaceAll(/\\x([0-9a-fA-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  );
}

function readLog(log: string, input: Buffer): ExpectedResponse {
  let seen = blank();
  for (const line of log.split("\n")) {
    if (line.endsWith(" message begin")) {
      // What follows a final response is not its business.
      if (seen.completeAt !== undefined && seen.status >= 200) break;
      seen = blank();
      continue;
    }
    const error = /error code=\d+ reason="(.*)"$/.exec(line);
    if (error !== null && seen.completeAt === undefined) seen.error = error[1]!;
    const span = /^off=(\d+) len=(\d+) span\[(\w+)\]/.exec(line);
    if (span !== null)
      noteSpan(seen, span[3]!, input.toString("latin1", Number(span[1]), Number(span[1]) + Number(span[2])));
    const head = /headers complete status=(\d+) .*flags=([0-9a-f]+)/.exec(line);
    if (head !== null) {
      seen.status = Number(head[1]);
      const flags = Number.parseInt(head[2]!, 16);
      seen.untilClose = (flags & (FLAG_CHUNKED | FLAG_CONTENT_LENGTH)) === 0;
    }
    const complete = /^off=(\d+) message complete$/.exec(line);
    if (complete !== null) seen.completeAt = Number(complete[1]);
  }
  const headers = seen.headers.map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text.trimEnd()));
  return { ...seen, headers, untilClose: seen.untilClose && seen.completeAt === undefined };
}

function noteSpan(seen: { headers: string[]; body: string }, name: string, text: string): void {
  const { headers } = seen;
  if (name === "body") seen.body += text;
  else if (name === "header_field") {
    if (headers.length % 2 === 0) headers.push(text);
    else headers[headers.length - 1] += text;
  } else if (name === "header_value") {
    if (headers.length % 2 === 1) headers.push(text);
    else headers[headers.length - 1] += text;
  }
}

function blank(): Omit<ExpectedResponse, "headers" | "error" | "completeAt"> & {
  error: string | undefined;
  status: number;
  headers: string[];
  body: string;
  completeAt: number | undefined;
  untilClose: boolean;
} {
  return { error: undefined, status: 0, headers: [], body: "", completeAt: undefined, untilClose: false };
}
