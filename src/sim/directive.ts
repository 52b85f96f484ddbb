/**
 * What a prompt can ask of the simulated provider: `sim:` and then parts, in any order, with `:` between them.
 *
 * | part | asks for |
 * |---|---|
 * | `t<ms>` | time to the first token |
 * | `g<ms>` | gap from one token to the next; 0 sends as fast as the client reads |
 * | `n<count>` | so many tokens |
 * | `x<status>` | this error at once, 400–599, in the dialect's shape; 429 and 503 with `retry-after` |
 * | `c<count>` | the connection cut (HTTP/2: the stream reset) after so many tokens |
 * | `b<bytes>` | each token's text followed by so many dots, for big streams |
 * | `i<number>` | a tag for the stream, by which `GET /sim/cancels` names it when its client hangs up |
 *
 * `sim:t0:g5:n1000:c10` is one such directive. Where a prompt holds several (a chat's earlier turns), the last counts.
 */

/** The parts that were given. */
export interface Directive {
  ttftMs?: number;
  gapMs?: number;
  tokens?: number;
  /** 400–599. */
  status?: number;
  cutAfterTokens?: number;
  padBytes?: number;
  tag?: number;
}

interface Part {
  readonly name: keyof Directive;
  readonly min: number;
  readonly max: number;
}

const DAY_MS = 86_400_000;

const PARTS: Readonly<Record<string, Part>> = {
  t: { name: "ttftMs", min: 0, max: DAY_MS },
  g: { name: "gapMs", min: 0, max: DAY_MS },
  n: { name: "tokens", min: 0, max: 100_000_000 },
  x: { name: "status", min: 400, max: 599 },
  c: { name: "cutAfterTokens", min: 0, max: 100_000_000 },
  b: { name: "padBytes", min: 0, max: 1_048_576 },
  i: { name: "tag", min: 0, max: Number.MAX_SAFE_INTEGER },
};

const MARK = "sim:";

/** All seven parts at their longest; what follows is prose. */
const MAX_LENGTH = 120;

/**
 * The last directive in a request body, found in its raw bytes: walking the JSON would cost more than the answer.
 *
 * A part with an unknown letter or a number out of range ends the directive; one without a single part is none.
 */
export function findDirective(body: Buffer): Directive | undefined {
  let end = body.length;
  while (end > 0) {
    const start = body.lastIndexOf(MARK, end - 1, "latin1");
    if (start === -1) return undefined;
    const directive = parseDirective(body.toString("latin1", start + MARK.length, start + MARK.length + MAX_LENGTH));
    if (directive !== undefined) return directive;
    end = start;
  }
  return undefined;
}

/** Reads what follows `sim:`, as far as it is parts. */
function parseDirective(text: string): Directive | undefined {
  const pattern = /([a-z])(\d{1,16})(:?)/y;
  const directive: Directive = {};
  let found = false;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const part = PARTS[match[1]!];
    const value = Number(match[2]);
    if (part === undefined || value < part.min || value > part.max) break;
    directive[part.name] = value;
    found = true;
    if (match[3] === "") break;
  }
  return found ? directive : undefined;
}
