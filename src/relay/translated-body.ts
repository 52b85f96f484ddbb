/** Relays a whole answer of an upstream that speaks another API: gathered, then written anew; off the loop where it is large. */
import { isUtf8 } from "node:buffer";
import { GatewayError } from "../core/errors.ts";
import { GrowingBuffer } from "../core/growing-buffer.ts";
import type { Outcome } from "../core/outcome.ts";
import { at } from "../dialects/json-access.ts";
import { parseExactly } from "../dialects/translate/call-arguments.ts";
import { OFFLOAD_BODY_BYTES } from "../offload/tasks/understand.ts";
import type { HeaderList } from "../upstream/exchange.ts";
import { answerHeaders, passOnHeaders } from "./answer-headers.ts";
import type { Attempt } from "./attempt.ts";
import { crash } from "./crash.ts";
import type { Receiver } from "./receiver.ts";
import { redact } from "./redact.ts";
import type { Translation } from "./stream-translation.ts";
import { translateParsedAnswer } from "./translation-tasks.ts";
import type { TranslateAnswerOutput } from "./translation-tasks.ts";

/** An answer may hold a picture or two. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** From being queued to the translated answer, milliseconds. */
const DEADLINE_MS = 10_000;

/** See the file's comment. */
export class TranslatedBody implements Receiver {
  readonly #attempt: Attempt;
  readonly #translation: Translation;
  readonly #headers: HeaderList;
  readonly #gathered = new GrowingBuffer();
  #cancel: (() => void) | null = null;

  constructor(attempt: Attempt, translation: Translation, headers: HeaderList) {
    this.#attempt = attempt;
    this.#translation = translation;
    this.#headers = headers;
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    if (this.#gathered.length + end - start > MAX_ANSWER_BYTES) return this.#invalid("an answer of more than 32 MiB");
    this.#gathered.append(bytes, start, end);
  }

  onFlush(): void {}

  onEnd(): void {
    const body = this.#gathered.take();
    if (body.length <= OFFLOAD_BODY_BYTES) {
      if (!isUtf8(body)) return this.#invalid("an answer that is not UTF-8");
      const answer = parseExactly(body.toString("utf8"));
      const { dialect, config } = this.#attempt.call.upstream!;
      if ((at(answer, "error") ?? null) !== null) {
        const said = dialect.errorMessage(answer);
        const message = said === undefined ? {} : { message: redact(said, config.apiKey) };
        return this.#attempt.fail(new GatewayError("upstream_error", message), "upstream_failed");
      }
      return this.#answer(translateParsedAnswer(answer, this.#translation));
    }
    const back = (go: () => void): void => {
      this.#cancel = null;
      try {
        go();
      } catch (error) {
        crash(this.#attempt.call, error);
      }
    };
    const ticket = this.#attempt.call.runtime.translations.submit({
      task: "translate_answer",
      input: { body, ...this.#translation },
      sizeBytes: body.length,
      deadlineMs: DEADLINE_MS,
      onOutput: (output) => back(() => this.#answer(output)),
      onFailure: ({ kind }) => back(() => this.#invalid(`a large answer that could not be translated: ${kind}`)),
    });
    if (ticket === undefined) return this.#invalid("a large answer, and no room to translate it");
    this.#cancel = () => ticket.cancel();
  }

  fail(error: GatewayError, outcome: Outcome): void {
    this.abandon();
    this.#attempt.refuse(error, outcome);
  }

  abandon(): void {
    this.#gathered.take();
    this.#cancel?.();
  }

  detach(): void {}

  heartbeat(): number {
    return Infinity;
  }

  #answer(output: TranslateAnswerOutput): void {
    if (output === null) return this.#invalid("an answer that is none of its API's");
    const { call } = this.#attempt;
    call.usage = output.usage ?? null;
    call.dropped = [...call.dropped, ...output.dropped.map((field) => `answer.${field}`)];
    const headers = answerHeaders(call, "application/json");
    passOnHeaders(headers, this.#headers);
    call.status = 200;
    const { buffer, byteOffset, byteLength } = output.body;
    call.client.answer(200, headers, Buffer.from(buffer, byteOffset, byteLength));
    this.#attempt.finish("completed");
  }

  #invalid(what: string): void {
    this.#attempt.fail(
      new GatewayError("upstream_invalid", { detail: `the upstream sent ${what}` }),
      "upstream_failed",
    );
  }
}
