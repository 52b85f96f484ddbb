/** What a prompt can cost at most, known without looking at it. */

/**
 * An upper bound of the input tokens of a request, from its size alone. O(1).
 *
 * It holds because every token of a byte-pair encoding stands for one byte of text at least, no text is longer than what it is
 * written as in JSON (UTF-8 as it is, escapes longer), each message brings its three framing tokens in at least three bytes of
 * its own (`{},`), and the three that begin the answer are within `"messages":[]`. A property test holds it to the exact count.
 *
 * @param bodyBytes the request's body, 0 or more.
 */
export function estimateInputTokens(bodyBytes: number): number {
  return bodyBytes;
}
