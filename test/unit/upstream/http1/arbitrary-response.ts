/** Random responses for property tests: valid ones, and valid ones with something done to them. */
import { array, boolean, constantFrom, double, integer, oneof, option, record, string, tuple } from "fast-check";
import type { Arbitrary } from "fast-check";

/** A response and how it is cut into reads. */
export interface CutResponse {
  readonly bytes: Buffer;
  readonly cuts: readonly number[];
}

const TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const token = string({ unit: constantFrom(...TOKEN.split("")), minLength: 1, maxLength: 12 });
const visible = string({ unit: constantFrom(..."abc XYZ09\t,;:=\"'/\u00e9\u00ff".split("")), maxLength: 20 });
const FRAMING = /^(content-length|transfer-encoding|connection|keep-alive|upgrade|trailer)$/i;
const field = tuple(token, visible)
  .filter(([name]) => !FRAMING.test(name))
  .map(([name, value]) => `${name}: ${value}\r\n`);
const fields = array(field, { maxLength: 4 }).map((lines) => lines.join(""));
const data = string({
  unit: constantFrom("a", "\r", "\n", "0", ";", "\u0000", "\u00ff", "data: "),
  maxLength: 200,
});

const extension = tuple(token, option(oneof(token, constantFrom('""', '"a; b"', '"\\""', '"\t,"')))).map(
  ([name, value]) => (value === null ? `;${name}` : `;${name}=${value}`),
);
const extensions = array(extension, { maxLength: 2 }).map((all) => all.join(""));
const chunk = tuple(
  data.filter((text) => text !== ""),
  extensions,
  boolean(),
  integer({ min: 0, max: 3 }),
).map(([text, more, upper, zeros]) => {
  const size = "0".repeat(zeros) + text.length.toString(16);
  return `${upper ? size.toUpperCase() : size}${more}\r\n${text}\r\n`;
});
const chunked = tuple(array(chunk, { maxLength: 5 }), extensions, fields).map(
  ([chunks, more, trailer]) => `${chunks.join("")}0${more}\r\n${trailer}\r\n`,
);

const reason = constantFrom("", " ", " OK", " Not  Found", " \u00e9");
const status = constantFrom(200, 201, 299, 301, 400, 404, 429, 500, 503, 599);
const bodiless = constantFrom(204, 304);
const connection = constantFrom(
  "",
  "Connection: close\r\n",
  "Connection: keep-alive\r\n",
  "connection: Keep-Alive\r\n",
);
const interims = array(
  tuple(constantFrom("100 Continue", "102 Processing", "103 Early Hints"), fields).map(
    ([line, lines]) => `HTTP/1.1 ${line}\r\n${lines}\r\n`,
  ),
  { maxLength: 2 },
);

const final = oneof(
  tuple(constantFrom("1.0", "1.1"), status, reason, connection, fields, data).map(
    ([version, code, text, keep, lines, body]) => {
      return `HTTP/${version} ${code}${text}\r\n${lines}Content-Length:\t${body.length} \r\n${keep}\r\n${body}`;
    },
  ),
  tuple(status, reason, connection, fields, chunked).map(([code, text, keep, lines, body]) => {
    return `HTTP/1.1 ${code}${text}\r\n${keep}Transfer-Encoding: Chunked\r\n${lines}\r\n${body}`;
  }),
  tuple(constantFrom("1.0", "1.1"), status, reason, connection, fields, data).map(
    ([version, code, text, keep, lines, body]) => `HTTP/${version} ${code}${text}\r\n${keep}${lines}\r\n${body}`,
  ),
  tuple(constantFrom("1.0", "1.1"), bodiless, reason, connection, fields).map(
    ([version, code, text, keep, lines]) => `HTTP/${version} ${code}${text}\r\n${keep}${lines}\r\n`,
  ),
);

const valid = tuple(interims, final).map(([before, response]) => Buffer.from(before.join("") + response, "latin1"));

const HOSTILE = [
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n",
  " ",
  "\t",
  ":",
  ";",
  ",",
  '"',
  "\\",
  "0",
  "1",
  "a",
  "\u0000",
  "\u007f",
  "\u0080",
  "-",
  "+",
  "Content-Length: 3\r\n",
  "Content-Length: 0\r\n",
  "Content-Length: 1, 1\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip\r\n",
  "Connection: close\r\n",
  "Connection: upgrade\r\nUpgrade: x\r\n",
  " folded\r\n",
  "HTTP/1.1 200 OK\r\n\r\n",
  "HTTP/1.1 101 X\r\n\r\n",
  "0\r\n\r\n",
  "2\r\nab\r\n",
];
const mutation = record({
  at: double({ min: 0, max: 1, noNaN: true }),
  remove: constantFrom(0, 0, 1, 1, 2, 5),
  insert: option(constantFrom(...HOSTILE)),
  // Most of what matters is where lines end.
  nearLineEnd: boolean(),
});

const mutated = tuple(valid, array(mutation, { minLength: 1, maxLength: 3 })).map(([bytes, mutations]) => {
  let text = bytes.toString("latin1");
  for (const { at, remove, insert, nearLineEnd } of mutations) {
    let position = Math.floor(at * text.length);
    if (nearLineEnd) position = Math.max(0, text.indexOf("\r\n", position)) + (position % 3);
    text = text.slice(0, position) + (insert ?? "") + text.slice(position + remove);
  }
  return Buffer.from(text, "latin1");
});

function cutAnywhere(responses: Arbitrary<Buffer>): Arbitrary<CutResponse> {
  return tuple(responses, array(double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })).map(([bytes, places]) => {
    const cuts = [...new Set(places.map((place) => Math.floor(place * bytes.length)))].filter((cut) => cut > 0);
    return { bytes, cuts: cuts.sort((a, b) => a - b) };
  });
}

/** Whole responses that keep to RFC 9112; those without framing last until the connection closes. */
export const validResponse: Arbitrary<CutResponse> = cutAnywhere(valid);

/** Responses that have been tampered with; some are still valid. */
export const mutatedResponse: Arbitrary<CutResponse> = cutAnywhere(mutated);

/** The reads that `cuts` make of `bytes`. */
export function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  return [...cuts, bytes.length].map((cut, index) => bytes.subarray(cuts[index - 1] ?? 0, cut));
}
