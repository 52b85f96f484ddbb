/**
 * What a stream of the Responses API has brought until now: its items, and the text of the parts that are open. For streams
 * that may be ended before their time: the API's last event holds all that was said, and the official SDK takes that for the
 * answer.
 *
 * Deltas are not parsed: what stands between the quotes is gathered as it is.
 */
import { GrowingBuffer } from "../../core/growing-buffer.ts";
import { KeySearch } from "../byte-search.ts";
import { at, elements, parseJson } from "../json-access.ts";
import { PARTS, partNamed } from "./output-parts.ts";

/** JSON of one stream's items and text; what comes after is left out of the last event. */
const MAX_KEPT_BYTES = 2 * 1024 * 1024;
const DELTA = new KeySearch("delta");
const ITEM_INDEX = new KeySearch("output_index");
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const NINE = 0x39;
const DONE = ".done";

type Json = Readonly<Record<string, unknown>>;

/** An event, but for its sequence number. */
export interface OutputEvent {
  readonly type: string;
  readonly fields: Json;
}

/** One item, until it is done. */
interface Item {
  readonly index: number;
  /** As the stream said it last, with the parts that are done. */
  value: Json;
  isDone: boolean;
  /** What the events of the part that is open are called, such as `response.output_text`; empty where none is. */
  part: string;
  /** Of that part. */
  readonly text: GrowingBuffer;
  /** The text has been said once more, whole. */
  isTextDone: boolean;
}

/** See the file's comment. One for each stream. */
export class OutputSoFar {
  readonly #items: Item[] = [];
  #keptBytes = 0;

  /** Whether {@link event} is to be told of events of this type. */
  wants(type: string): boolean {
    return /^response\.(?:output_item\.|\w+_part\.)/.test(type) || (type.endsWith(DONE) && PARTS.has(nameOf(type)));
  }

  /** `bytes[start, end)` is its data, or the beginning of data that were too long to be kept. */
  event(type: string, bytes: Buffer, start: number, end: number): void {
    const data = this.#keeps(end - start) ? parseJson(bytes.toString("utf8", start, end)) : undefined;
    const index = at(data, "output_index");
    const value = at(data, "item");
    if (type === "response.output_item.added") {
      if (typeof index !== "number" || !isObject(value)) return;
      this.#items.push({ index, value, isDone: false, part: "", text: new GrowingBuffer(), isTextDone: false });
      return;
    }
    const item = data === undefined ? this.#items.at(-1) : this.#items.find((one) => one.index === index);
    if (item === undefined || item.isDone) return;
    if (type === "response.output_item.done") {
      item.isDone = true;
      item.text.take();
      if (isObject(value)) item.value = value;
    } else if (PARTS.has(nameOf(type))) item.isTextDone = true;
    else if (type.endsWith(DONE)) endPart(item, at(data, "part"));
    else item.part = partNamed(at(data, "part", "type"));
  }

  /** A delta. @param type without `.delta`. `bytes[start, end)` is its data. */
  delta(type: string, bytes: Buffer, start: number, end: number): void {
    const index = numberAt(bytes, ITEM_INDEX.valueAfter(bytes, start, end));
    const item = this.#items.findLast((one) => one.index === index);
    const from = DELTA.valueAfter(bytes, start, end) + 1;
    if (item === undefined || item.isDone || from === 0 || bytes[from - 1] !== QUOTE) return;
    let to = from;
    while (to < end && bytes[to] !== QUOTE) to += bytes[to] === BACKSLASH ? 2 : 1;
    if (to >= end || !this.#keeps(to - from)) return;
    item.part = type;
    item.text.append(bytes, from, to);
  }

  /** Closes what is open. @returns the events that say so; none the second time. */
  close(): readonly OutputEvent[] {
    return this.#items.filter(({ isDone }) => !isDone).flatMap(closeItem);
  }

  /** In their order, as far as they have come. */
  items(): readonly Json[] {
    return this.#items.toSorted((one, other) => one.index - other.index).map(({ value }) => value);
  }

  #keeps(sizeBytes: number): boolean {
    this.#keptBytes += sizeBytes;
    return this.#keptBytes <= MAX_KEPT_BYTES;
  }
}

/** Its part has been said whole. */
function endPart(item: Item, part: unknown): void {
  const list = PARTS.get(item.part)?.list;
  if (isObject(part) && list !== undefined) {
    item.value = { ...item.value, [list]: [...elements(item.value[list]), part] };
  }
  item.part = "";
  item.isTextDone = false;
  item.text.take();
}

function closeItem(item: Item): readonly OutputEvent[] {
  const partEvents = closePart(item);
  item.isDone = true;
  item.value = { ...item.value, status: "incomplete" };
  return [...partEvents, { type: "response.output_item.done", fields: { output_index: item.index, item: item.value } }];
}

function closePart(item: Item): readonly OutputEvent[] {
  const name = item.part;
  const form = PARTS.get(name);
  const text = parseJson(`"${item.text.take().toString("utf8")}"`);
  if (form === undefined || typeof text !== "string") return [];
  const said = { [form.field]: text };
  const here = { item_id: item.value["id"], output_index: item.index };
  const { list } = form;
  if (list === undefined) {
    item.value = { ...item.value, ...said };
    return item.isTextDone ? [] : [{ type: name + DONE, fields: { ...here, ...said } }];
  }
  const place = { ...here, [`${list}_index`]: elements(item.value[list]).length };
  const textDone = { type: name + DONE, fields: { ...place, ...said, ...form.withText } };
  const part = { ...form.rest, ...said };
  endPart(item, part);
  const partDone = { type: form.partDone!, fields: { ...place, part } };
  return item.isTextDone ? [partDone] : [textDone, partDone];
}

/** `response.output_text.done` → `response.output_text`. */
function nameOf(type: string): string {
  return type.slice(0, type.lastIndexOf("."));
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The whole number that begins there; `NaN` where none does. */
function numberAt(bytes: Buffer, start: number): number {
  let value = NaN;
  for (let here = start; here >= 0 && bytes[here]! >= ZERO && bytes[here]! <= NINE; here++) {
    value = (Number.isNaN(value) ? 0 : value * 10) + bytes[here]! - ZERO;
  }
  return value;
}
