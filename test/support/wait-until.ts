/** For what announces itself by no event: looks every few milliseconds, and rejects after five seconds. */
export async function waitUntil(condition: () => boolean, what = condition.toString()): Promise<void> {
  const endMs = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`did not come true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
