/**
 * Finds the sim's tokens, `{index@µs} `, and the closing `[DONE]` in a body that arrives in pieces.
 *
 * It looks at bytes alone, not at SSE or JSON: whatever a gateway makes of the events around it, the token's text has to
 * come through. A byte loop over 200-byte events takes well under a microsecond; anything that makes a string of them
 * takes more than the socket read.
 */

/** Takes what a {@link TokenScanner} finds. */
export interface TokenSink {
  /** @param sentUs when the sim sent it, on the clock of `monotonicUs()`. */
  onToken(index: number, sentUs: number): void;
  /** The stream's own end mark passed. */
  onDone(): void;
}

const SEEK = 0;
const INDEX = 1;
const STAMP = 2;
const CLOSE = 3;
const DONE_MARK = 4;

const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;
const AT = 0x40;
const SPACE = 0x20;
const DONE_BYTES = Buffer.from("[DONE]", "latin1");
/** Longest run of digits taken for an index or a stamp; both stay exact in a double. */
const MAX_DIGITS = 15;

/** One stream's scanner. Feed it the body in order; it keeps its place between calls. */
export class TokenScanner {
  #state = SEEK;
  /** Digits (or bytes of the end mark) matched so far in this state. */
  #matched = 0;
  #index = 0;
  #stampUs = 0;

  /** Forgets a half-seen token: for the next answer on the same connection. */
  reset(): void {
    this.#state = SEEK;
  }

  /** Scans `bytes[start, end)`, calling `sink` for each token that completes in it. */
  scan(bytes: Uint8Array, start: number, end: number, sink: TokenSink): void {
    let state = this.#state;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (state !== SEEK) {
        state = this.#step(state, byte, sink);
        if (state !== SEEK) continue;
      }
      // Also the byte that ended a false start, such as the second brace of `{{1@2} `.
      if (byte === BRACE_OPEN) state = INDEX;
      else if (byte === BRACKET_OPEN) state = DONE_MARK;
      else continue;
      this.#matched = state === INDEX ? 0 : 1;
      this.#index = 0;
    }
    this.#state = state;
  }

  #step(state: number, byte: number, sink: TokenSink): number {
    const digit = byte - 0x30;
    if (state === INDEX || state === STAMP) {
      if (digit >= 0 && digit <= 9 && this.#matched < MAX_DIGITS) {
        this.#matched++;
        if (state === INDEX) this.#index = this.#index * 10 + digit;
        else this.#stampUs = this.#stampUs * 10 + digit;
        return state;
      }
      if (this.#matched === 0) return SEEK;
      if (state === STAMP) return byte === BRACE_CLOSE ? CLOSE : SEEK;
      if (byte !== AT) return SEEK;
      this.#matched = 0;
      this.#stampUs = 0;
      return STAMP;
    }
    if (state === CLOSE) {
      if (byte === SPACE) sink.onToken(this.#index, this.#stampUs);
      return SEEK;
    }
    if (byte !== DONE_BYTES[this.#matched]) return SEEK;
    this.#matched++;
    if (this.#matched < DONE_BYTES.length) return DONE_MARK;
    sink.onDone();
    return SEEK;
  }
}
