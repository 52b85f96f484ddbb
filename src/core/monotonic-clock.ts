/** The one clock that times which cross threads are read from: `performance.now()` has another origin in each thread. */

/** Milliseconds with fractions, never going back; the same for all threads of the process. From `process.hrtime()`. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
