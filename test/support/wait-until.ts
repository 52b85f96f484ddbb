/** Only a test that fails waits so long; on a machine that is busy five seconds were too few. */
const DEADLINE_MS = 20_000;

/** For what announces itself by no event: looks every few milliseconds, and rejects after twenty seconds. */
export async function waitUntil(condition: () => boolean, what = condition.toString()): Promise<void> {
  const endMs = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`did not come true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
