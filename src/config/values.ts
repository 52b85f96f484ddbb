/** The kinds of scalar that settings are made of: durations, sizes, whole numbers, choices, texts, secrets, addresses. */
import { parseDuration } from "../core/duration.ts";
import { parseSize } from "../core/size.ts";
import { didYouMean } from "./nearest-name.ts";
import { value } from "./setting.ts";
import type { ConfigNode, Reading, ValueOptions } from "./setting.ts";

interface QuantityOptions {
  /** As written, e.g. `5s`. */
  readonly default: string;
  readonly min: string;
  readonly max: string;
}

/** Whole milliseconds: nothing here is timed finer. */
function parseDurationMs(text: string): number | undefined {
  const durationMs = parseDuration(text);
  return durationMs === undefined ? undefined : Math.round(durationMs);
}

interface QuantityKind extends QuantityOptions {
  readonly type: string;
  readonly article: string;
  readonly parse: (text: string) => number | undefined;
}

function quantity(kind: QuantityKind): ConfigNode<number> {
  return value({ ...quantityOptions(kind), default: kind.default });
}

function quantityOptions({ type, article, parse, min, max, default: example }: QuantityKind): ValueOptions<number> {
  const least = parse(min)!;
  const most = parse(max)!;
  const expected = `write ${article} ${type} from ${min} to ${max}, such as ${example}`;
  const read = (text: string): Reading<number> => {
    const amount = parse(text);
    return amount === undefined || amount < least || amount > most ? { fault: expected } : { value: amount };
  };
  return { type, range: `${min} – ${max}`, expected, read };
}

/** A duration such as `250ms`, `5s`, `10m`, `1h`; whole milliseconds. */
export function duration(options: QuantityOptions): ConfigNode<number> {
  return quantity({ ...options, type: "duration", article: "a", parse: parseDurationMs });
}

/** A duration, or `off` for 0; milliseconds. */
export function durationOrOff(options: QuantityOptions): ConfigNode<number> {
  const least = parseDurationMs(options.min)!;
  const most = parseDurationMs(options.max)!;
  const expected = `write \`off\` or a duration from ${options.min} to ${options.max}, such as ${options.default}`;
  const read = (text: string): Reading<number> => {
    const amountMs = text === "off" ? 0 : parseDurationMs(text);
    const inRange = amountMs !== undefined && (text === "off" || (amountMs >= least && amountMs <= most));
    return inRange ? { value: amountMs } : { fault: expected };
  };
  const range = `\`off\`, ${options.min} – ${options.max}`;
  return value({ type: "duration", range, default: options.default, expected, read });
}

/** A duration, `off` for 0, or `adaptive`; milliseconds. */
export function durationOffOrAdaptive(options: Omit<QuantityOptions, "default">): ConfigNode<number | "adaptive"> {
  const fallback = "adaptive";
  const least = parseDurationMs(options.min)!;
  const most = parseDurationMs(options.max)!;
  const expected = `write \`off\`, \`adaptive\` or a duration from ${options.min} to ${options.max}, such as 20ms`;
  const read = (text: string): Reading<number | "adaptive"> => {
    if (text === "off") return { value: 0 };
    if (text === "adaptive") return { value: text };
    const amountMs = parseDurationMs(text);
    return amountMs !== undefined && amountMs >= least && amountMs <= most ? { value: amountMs } : { fault: expected };
  };
  const range = `\`off\`, \`adaptive\`, ${options.min} – ${options.max}`;
  return value({ type: "word or duration", range, default: fallback, expected, read });
}

/** A size such as `512B`, `64KiB`, `20MiB`, `1GiB`; bytes. */
export function size(options: QuantityOptions): ConfigNode<number> {
  return quantity({ ...options, type: "size", article: "a", parse: parseSize });
}

/** A size, or `auto`; bytes. */
export function sizeOrAuto({ min, max }: Omit<QuantityOptions, "default">): ConfigNode<number | "auto"> {
  const least = parseSize(min)!;
  const most = parseSize(max)!;
  const expected = `write \`auto\` or a size from ${min} to ${max}, such as 2GiB`;
  const read = (text: string): Reading<number | "auto"> => {
    if (text === "auto") return { value: text };
    const amount = parseSize(text);
    return amount !== undefined && amount >= least && amount <= most ? { value: amount } : { fault: expected };
  };
  return value({ type: "word or size", range: `\`auto\`, ${min} – ${max}`, default: "auto", expected, read });
}

const parseInteger = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined);

/** A whole number, 0 or more. */
export function integer(options: QuantityOptions): ConfigNode<number> {
  return quantity({ ...options, type: "whole number", article: "a", parse: parseInteger });
}

interface RequiredQuantityOptions {
  /** For the fault. */
  readonly example: string;
  readonly min: string;
  readonly max: string;
}

/** A whole number that has no default. */
export function requiredInteger({ example, ...range }: RequiredQuantityOptions): ConfigNode<number> {
  return value(
    quantityOptions({ ...range, default: example, type: "whole number", article: "a", parse: parseInteger }),
  );
}

/** A number, 0 or more, with up to six decimals: a millionth is the smallest amount that is counted. */
const parseDecimal = (text: string): number | undefined =>
  /^\d{1,12}(?:\.\d{1,6})?$/.test(text) ? Number(text) : undefined;

/** US dollars, a number without a sign; it has no default. */
export function dollars({ example, ...range }: RequiredQuantityOptions): ConfigNode<number> {
  return value(quantityOptions({ ...range, default: example, type: "number", article: "a", parse: parseDecimal }));
}

/** `true` or `false`. */
export function boolean(): ConfigNode<boolean> {
  const expected = "write `true` or `false`";
  const read = (text: string): Reading<boolean> =>
    text === "true" || text === "false" ? { value: text === "true" } : { fault: expected };
  return value({ type: "boolean", range: "`true`, `false`", expected, read });
}

/** One of a few words. */
export function choice<const Choice extends string>(choices: readonly Choice[], fallback: Choice): ConfigNode<Choice> {
  const expected = `write one of ${choices.map((word) => `\`${word}\``).join(", ")}`;
  const read = (text: string): Reading<Choice> => {
    const chosen = choices.find((word) => word === text);
    return chosen === undefined ? { fault: expected + didYouMean(text, choices) } : { value: chosen };
  };
  const range = choices.map((word) => `\`${word}\``).join(", ");
  return value({ type: "word", range, default: fallback, expected, read });
}

interface TextOptions {
  readonly default?: string;
  /** Characters. */
  readonly max: number;
  /** What it should be, for the fault, e.g. `a file name`. */
  readonly what: string;
  /** A further condition: why the text is not taken, or `undefined` if it is. */
  readonly fault?: (text: string) => string | undefined;
}

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Text of 1 to `max` characters without control characters. */
export function text(options: TextOptions): ConfigNode<string> {
  const expected = `write ${options.what} of 1 to ${options.max} characters`;
  const read = (written: string): Reading<string> => {
    if (written.length === 0 || written.length > options.max || CONTROL.test(written)) return { fault: expected };
    const fault = options.fault?.(written);
    return fault === undefined ? { value: written } : { fault };
  };
  const fallback = options.default === undefined ? {} : { default: options.default };
  return value({ type: "text", range: `1 – ${options.max} characters`, expected, read, ...fallback });
}

const LONGEST_SECRET = 4096;

/** Whether `written` can be sent as a key or token in a header: visible ASCII, 1–4096 characters. */
export function isSendableSecret(written: string): boolean {
  return written.length <= LONGEST_SECRET && /^[\u0021-\u007e]+$/.test(written);
}

/** A key or token that travels in a header. */
export function secret(): ConfigNode<string> {
  const expected = `write a key of 1 to ${LONGEST_SECRET} visible ASCII characters`;
  const read = (written: string): Reading<string> =>
    isSendableSecret(written)
      ? { value: written }
      : {
          fault:
            "holds a character that cannot be sent in a header, or is empty or too long; " +
            "often a line break or a space at the end of the variable",
        };
  return value({ type: "secret", range: `1 – ${LONGEST_SECRET} characters`, expected, read });
}

/** Where an HTTP listener binds: an address or a host name, without brackets or a port. */
export function host(fallback: string): ConfigNode<string> {
  const expected = "write an address or a host name, such as 127.0.0.1, 0.0.0.0 or ::1, without a port";
  return text({
    default: fallback,
    max: 253,
    what: "a host",
    fault: (written) => (/^[A-Za-z0-9_.:%-]+$/.test(written) ? undefined : expected),
  });
}

/** The base of an API: http or https, without credentials, query or fragment; slashes at the end are taken off. */
export function baseUrl(): ConfigNode<URL> {
  const expected = "write a URL such as https://api.openai.com/v1";
  const read = (written: string): Reading<URL> => {
    const url = written.length > 2048 || /[\s\\]/.test(written) || CONTROL.test(written) ? null : URL.parse(written);
    if (url === null || !/^https?:\/\//i.test(written))
      return { fault: `is not an http:// or https:// URL; ${expected}` };
    if (url.username !== "" || url.password !== "") return { fault: "must not hold credentials; use `api_key`" };
    if (written.includes("?")) return { fault: "must not have a query" };
    if (written.includes("#")) return { fault: "must not have a fragment" };
    if (url.port === "0") return { fault: "cannot have port 0" };
    url.pathname = url.pathname.replace(/\/+$/, "");
    return { value: url };
  };
  return value({ type: "URL", range: "`http://…`, `https://…`", expected, read });
}

/** The address of a Redis server; it may hold a password. */
export function redisUrl(): ConfigNode<URL> {
  const expected = "write a URL such as redis://127.0.0.1:6379, or rediss:// for TLS";
  const read = (written: string): Reading<URL> => {
    const url = written.length > 2048 || /[\s\\]/.test(written) || CONTROL.test(written) ? null : URL.parse(written);
    if (url === null || !/^rediss?:\/\/[^/]/i.test(written) || url.hostname === "") return { fault: expected };
    if (!/^\/?\d*$/.test(url.pathname))
      return { fault: "may hold a database's number after the slash, and nothing else" };
    return { value: url };
  };
  return value({ type: "URL", range: "`redis://…`, `rediss://…`", expected, read });
}
