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
/** Items of one stream; those that come after are left out of the last event. */
const MAX_ITEMS = 128;
const DELTA = new KeySearch("delta");
const ITEM_INDEX = new KeySearch("output_index");
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const NINE = 0x39;
const DONE = ".done";
const ITEM_ADDED = "response.output_item.added";
const ITEM_DONE = "response.output_item.done";

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
  /** What {@link MAX_KEPT_BYTES} is charged for it: the JSON of its value, and the text. */
  keptBytes: number;
}

/** See the file's comment. One for each stream. */
export class OutputSoFar {
  readonly #items = new Map<number, Item>();
  /** The item of the last event: most events are of the same one. */
  #last: Item | undefined;
  #keptBytes = 0;
  /** Something has been left out, so that nothing may follow it. */
  #isFull = false;

  /** Whether {@link event} is to be told of events of this type. */
  wants(type: string): boolean {
    return /^response\.(?:output_item\.|\w+_part\.)/.test(type) || (type.endsWith(DONE) && PARTS.has(nameOf(type)));
  }

  /** `bytes[start, end)` is its data, or the beginning of data that were too long to be kept. */
  event(type: string, bytes: Buffer, start: number, end: number): void {
    const saysTextAgain = PARTS.has(nameOf(type));
    const data = saysTextAgain ? undefined : parseJson(bytes.toString("utf8", start, end));
    const index = at(data, "output_index") ?? numberAt(bytes, ITEM_INDEX.valueAfter(bytes, start, end));
    if (typeof index !== "number") return;
    if (type === ITEM_ADDED) this.#added(index, at(data, "item"), end - start);
    else this.#told(type, index, data, end - start);
  }

  /** Data that were too long to be kept end with `bytes[start, end)`: some servers name the item there. */
  eventEnd(type: string, bytes: Buffer, start: number, end: number): void {
    let found = -1;
    for (let value = start; (value = ITEM_INDEX.valueAfter(bytes, value, end)) !== -1;) found = value;
    if (found !== -1 && type !== ITEM_ADDED) this.#told(type, numberAt(bytes, found), undefined, 0);
  }

  /** A delta. @param type without `.delta`. `bytes[start, end)` is its data. */
  delta(type: string, bytes: Buffer, start: number, end: number): void {
    const item = this.#openItem(numberAt(bytes, ITEM_INDEX.valueAfter(bytes, start, end)));
    if (item === undefined || (type !== item.part && !PARTS.has(type))) return;
    const from = DELTA.valueAfter(bytes, start, end) + 1;
    if (from === 0 || bytes[from - 1] !== QUOTE) return;
    let to = from;
    while (to < end && bytes[to] !== QUOTE) to += bytes[to] === BACKSLASH ? 2 : 1;
    if (to >= end) return;
    item.part = type;
    if (this.#keeps(item, to - from)) item.text.append(bytes, from, to);
  }

  /** Closes what is open. @returns the events that say so; none the second time. */
  close(): readonly OutputEvent[] {
    return [...this.#items.values()].filter(({ isDone }) => !isDone).flatMap((item) => closeItem(item, "incomplete"));
  }

  /** In their order, as far as they have come. */
  items(): readonly Json[] {
    return [...this.#items.values()].toSorted((one, other) => one.index - other.index).map(({ value }) => value);
  }

  #added(index: number, value: unknown, sizeBytes: number): void {
    if (!isObject(value) || this.#items.has(index) || this.#items.size >= MAX_ITEMS) return;
    const text = new GrowingBuffer();
    const item: Item = { index, value, isDone: false, part: "", text, isTextDone: false, keptBytes: 0 };
    if (this.#keeps(item, sizeBytes)) this.#items.set(index, item);
  }

  /** @param data `undefined` where they were too long to be read: what was gathered stands for them. */
  #told(type: string, index: number, data: unknown, sizeBytes: number): void {
    const item = this.#openItem(index);
    if (item === undefined) return;
    if (type === ITEM_DONE) {
      const value = at(data, "item");
      if (!isObject(value) || !this.#keeps(item, sizeBytes - item.keptBytes)) return void closeItem(item, "completed");
      item.isDone = true;
      item.value = value;
      item.text.take();
    } else if (PARTS.has(nameOf(type))) item.isTextDone = true;
    else if (type.endsWith(DONE)) {
      const part = at(data, "part");
      if (isObject(part) && this.#keeps(item, sizeBytes - item.text.length)) endPart(item, part);
      else {
        closePart(item);
        endPart(item, undefined);
      }
    } else item.part = partNamed(at(data, "part", "type"));
  }

  /** The item of that index, unless it is done. */
  #openItem(index: number): Item | undefined {
    if (this.#last?.index !== index) this.#last = this.#items.get(index);
    return this.#last?.isDone === true ? undefined : this.#last;
  }

  /** @param sizeBytes how much more of the item there is to keep; below 0 where what is kept takes the place of more. */
  #keeps(item: Item, sizeBytes: number): boolean {
    if (sizeBytes > 0 && (this.#isFull || this.#keptBytes + sizeBytes > MAX_KEPT_BYTES)) {
      this.#isFull = true;
      return false;
    }
    this.#keptBytes += sizeBytes;
    item.keptBytes += sizeBytes;
    return true;
  }
}

/** Its part has been said whole. @param part what is no object is left out. */
function endPart(item: Item, part: unknown): void {
  const list = PARTS.get(item.part)?.list;
  if (isObject(part) && list !== undefined) {
    item.value = { ...item.value, [list]: [...elements(item.value[list]), part] };
  }
  item.part = "";
  item.isTextDone = false;
  item.text.take();
}

function closeItem(item: Item, status: "completed" | "incomplete"): readonly OutputEvent[] {
  const partEvents = closePart(item);
  item.isDone = true;
  item.value = { ...item.value, status };
  return [...partEvents, { type: ITEM_DONE, fields: { output_index: item.index, item: item.value } }];
}

function closePart(item: Item): readonly OutputEvent[] {
  const { part: name, isTextDone } = item;
  const form = PARTS.get(name);
  const text = parseJson(`"${item.text.take().toString("utf8")}"`);
  if (form === undefined || typeof text !== "string") return [];
  const said = { [form.field]: text };
  const here = { item_id: item.value["id"], output_index: item.index };
  const { list } = form;
  if (list === undefined) {
    item.value = { ...item.value, ...said };
    return isTextDone ? [] : [{ type: name + DONE, fields: { ...here, ...said } }];
  }
  const place = { ...here, [`${list}_index`]: elements(item.value[list]).length };
  const textDone = { type: name + DONE, fields: { ...place, ...said, ...form.withText } };
  const part = { ...form.rest, ...said };
  endPart(item, part);
  const partDone = { type: form.partDone!, fields: { ...place, part } };
  return isTextDone ? [partDone] : [textDone, partDone];
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
