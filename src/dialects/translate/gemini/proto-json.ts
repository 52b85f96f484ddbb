/**
 * Reading JSON as Google's servers do. Their requests are protocol buffers in JSON form
 * (https://protobuf.dev/programming-guides/json), which takes more spellings than other APIs: names in camelCase or in
 * snake_case, one element where a list is meant, numbers as strings. Half of Google's own examples use them.
 */
import { FieldFault, Fields, isRecord } from "../json-pick.ts";

/** `inline_data` → `inlineData`. A name that begins with an underscore keeps it. */
function camelCase(name: string): string {
  return name.replaceAll(/(?<=[A-Za-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** @returns the object with its own names in camelCase; what stands inside is left as it is. */
export function withCamelCaseNames(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const keys = Object.keys(record);
  if (!keys.some((key) => key.includes("_"))) return record;
  return Object.fromEntries(keys.map((key) => [camelCase(key), record[key]]));
}

/** @throws {FieldFault} where `value` is no object. */
export function protoFields(value: unknown, path = ""): Fields {
  if (!isRecord(value)) throw new FieldFault(path, "must be an object");
  return new Fields(withCamelCaseNames(value), path);
}

/** The message at `key`. @throws {FieldFault} */
export function protoObject(fields: Fields, key: string): Fields | undefined {
  const value = fields.value(key);
  return value === undefined ? undefined : protoFields(value, fields.pathOf(key));
}

/** The messages at `key`: a list, or one by itself. @throws {FieldFault} */
export function protoObjects(fields: Fields, key: string): readonly Fields[] {
  const value = fields.value(key);
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [protoFields(value, `${fields.pathOf(key)}[0]`)];
  return value.map((one, i) => protoFields(one, `${fields.pathOf(key)}[${i}]`));
}

/** The strings at `key`: a list, or one by itself. @throws {FieldFault} */
export function protoStrings(fields: Fields, key: string): readonly string[] {
  return typeof fields.value(key) === "string" ? [fields.string(key)!] : (fields.strings(key) ?? []);
}

/** A number, or one in a string. @throws {FieldFault} */
export function protoNumber(fields: Fields, key: string): number | undefined {
  const value = fields.value(key);
  if (typeof value !== "string") return fields.number(key);
  const number = Number(value);
  return value.trim() !== "" && Number.isFinite(number) ? number : fields.fault(key, "must be a number");
}

/** A whole number, or one in a string. @param min @default none @throws {FieldFault} */
export function protoInteger(fields: Fields, key: string, min?: number): number | undefined {
  const value = protoNumber(fields, key);
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value)) fields.fault(key, "must be a whole number");
  if (min !== undefined && value < min) fields.fault(key, `must be at least ${min}`);
  return value;
}

/**
 * The name of an enum's value, in either case; `undefined` for the one that means "not said".
 *
 * @param words in upper case. @param unspecified such as `MODE_UNSPECIFIED`. @throws {FieldFault}
 */
export function protoEnum<Word extends string>(
  fields: Fields,
  key: string,
  words: readonly Word[],
  unspecified: string,
): Word | undefined {
  const value = fields.string(key)?.toUpperCase();
  if (value === undefined || value === unspecified) return undefined;
  return words.find((word) => word === value) ?? fields.fault(key, `must be one of ${words.join(", ")}`);
}
