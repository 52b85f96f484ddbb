/**
 * What a config is made of: values, sections, lists and records. Each carries its parser (zod) and what the reference
 * says about it, so that types, defaults, faults and documentation come from one place.
 *
 * Every scalar reaches a parser as the text that was written (YAML's own guesses at numbers and booleans are off), and a
 * key without a value as `null`. No message repeats a value: it may be a secret.
 */
import { z } from "zod";

interface ValueShape {
  readonly kind: "value";
  readonly type: string;
  readonly range: string;
  readonly default: string | undefined;
}

/** What the reference and the search for known keys see of a node. */
export type Shape =
  | ValueShape
  | {
      readonly kind: "section";
      readonly keys: Readonly<Record<string, Key<string, unknown>>>;
      /** What may stand there instead of the map. */
      readonly instead?: ValueShape;
    }
  | { readonly kind: "list"; readonly range: string; readonly item: ConfigNode<unknown> }
  | { readonly kind: "record"; readonly range: string; readonly nameLabel: string; readonly item: ConfigNode<unknown> };

/** One place of the config. */
export interface ConfigNode<Output> {
  readonly schema: z.ZodType<Output>;
  readonly shape: Shape;
  /** Whether leaving it out is a fault. */
  readonly required: boolean;
}

/** A key of a section. */
export interface Key<Name extends string, Output> {
  /** What the parsed config calls it: camel case, with the unit. */
  readonly as: Name;
  readonly node: ConfigNode<Output>;
  /** For the reference: one sentence or two. */
  readonly meaning: string;
}

/** Names a key's parsed form and says what it means. */
export function key<Name extends string, Output>(
  as: Name,
  node: ConfigNode<Output>,
  meaning: string,
): Key<Name, Output> {
  return { as, node, meaning };
}

type Keys = Readonly<Record<string, Key<string, unknown>>>;
type SectionOutput<Known extends Keys> = {
  readonly [Written in keyof Known as Known[Written]["as"]]: Known[Written] extends Key<string, infer Output>
    ? Output
    : never;
};

/** What a value's text turned out to be, or why it is not taken. The fault never repeats the text. */
export type Reading<Output> = { readonly value: Output } | { readonly fault: string };

/** What a kind of scalar is made of. */
export interface ValueOptions<Output> {
  /** For the reference, e.g. `duration`. */
  readonly type: string;
  /** For the reference, e.g. `1ms – 1h`. */
  readonly range?: string;
  /** As it would be written; read like any other text. Without it the value is required. */
  readonly default?: string;
  /** The fault where there is no text at all: what to write. */
  readonly expected: string;
  readonly read: (text: string) => Reading<Output>;
}

/** A scalar. */
export function value<Output>(options: ValueOptions<Output>): ConfigNode<Output> {
  const text = z.string({
    error: (issue) => (issue.input === undefined ? `is missing; ${options.expected}` : options.expected),
  });
  const schema = text.transform((written, context): Output => {
    const reading = options.read(written);
    if ("value" in reading) return reading.value;
    context.addIssue(reading.fault);
    return z.NEVER;
  });
  return {
    schema: options.default === undefined ? schema : schema.prefault(options.default),
    shape: { kind: "value", type: options.type, range: options.range ?? "", default: options.default },
    required: options.default === undefined,
  };
}

/** The same node, but leaving it out gives `undefined`. */
export function optional<Output>(node: ConfigNode<Output>): ConfigNode<Output | undefined> {
  return { schema: node.schema.optional(), shape: node.shape, required: false };
}

/** A map with known keys; any other key is a fault. A section left out, or without content, has all its defaults. */
export function section<Known extends Keys>(keys: Known): ConfigNode<SectionOutput<Known>> {
  return { ...sectionWithoutDefault(keys), schema: sectionWithoutDefault(keys).schema.prefault({}), required: false };
}

/** A section that {@link optional} can make `undefined` when it is left out. */
export function sectionWithoutDefault<Known extends Keys>(keys: Known): ConfigNode<SectionOutput<Known>> {
  const entries = Object.entries(keys);
  const shape = Object.fromEntries(entries.map(([written, known]) => [written, known.node.schema]));
  const known = entries.map(([written]) => `\`${written}\``).join(", ");
  const map = z.strictObject(shape, {
    error: (issue) => (issue.code === "invalid_type" ? `write a map with the keys ${known}` : undefined),
  });
  const renamed = map.transform((parsed): SectionOutput<Known> => {
    const output: Record<string, unknown> = {};
    for (const [written, { as }] of entries) output[as] = parsed[written];
    return output as SectionOutput<Known>;
  });
  return {
    schema: z.preprocess((input) => input ?? {}, renamed),
    shape: { kind: "section", keys },
    required: true,
  };
}

/** A scalar, or a map in its place. */
export function either<Scalar, Section>(
  scalar: ConfigNode<Scalar>,
  map: ConfigNode<Section>,
): ConfigNode<Scalar | Section> {
  if (scalar.shape.kind !== "value" || map.shape.kind !== "section") throw new TypeError("a value and a section");
  const schema = z.unknown().transform((input, context): Scalar | Section => {
    const isMap = typeof input === "object" && input !== null;
    const parsed = (isMap ? map : scalar).schema.safeParse(input);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.issues.push({ ...issue, input } as z.core.$ZodRawIssue);
    return z.NEVER;
  });
  return { schema, shape: { ...map.shape, instead: scalar.shape }, required: true };
}

interface SeveralOptions<Output> {
  readonly item: ConfigNode<Output>;
  readonly max: number;
  /** What to write, for the fault where there is something else or nothing. */
  readonly expected: string;
}

/** A sequence of 1 to `max` items. */
export function list<Output>(options: SeveralOptions<Output>): ConfigNode<readonly Output[]> {
  const { item, max, expected } = options;
  return {
    schema: z.array(item.schema, { error: expected }).min(1, expected).max(max, `has more than ${max} items`),
    shape: { kind: "list", range: `1 – ${max} items`, item },
    required: true,
  };
}

interface RecordOptions<Output> extends SeveralOptions<Output> {
  /** What stands for a name in the reference, e.g. `NAME`. */
  readonly nameLabel: string;
  /** Why a name is not taken, or `undefined` if it is. Must not repeat the name. */
  readonly nameFault: (name: string) => string | undefined;
}

/** A map from 1 to `max` free names to the same kind of thing; becomes a Map, so no name is special. */
export function record<Output>(options: RecordOptions<Output>): ConfigNode<ReadonlyMap<string, Output>> {
  const { item, max, expected, nameLabel, nameFault } = options;
  const name = z.string().superRefine((written, context) => {
    const fault = nameFault(written);
    if (fault !== undefined) context.addIssue(fault);
  });
  const schema = z
    .record(name, item.schema, { error: (issue) => (issue.code === "invalid_type" ? expected : undefined) })
    .transform((parsed, context): ReadonlyMap<string, Output> => {
      const named = new Map(Object.entries(parsed));
      if (named.size === 0) context.addIssue(expected);
      if (named.size > max) context.addIssue(`has more than ${max} names`);
      return named;
    });
  return { schema, shape: { kind: "record", range: `1 – ${max} names`, nameLabel, item }, required: true };
}
