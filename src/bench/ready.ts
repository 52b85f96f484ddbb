/**
 * Whether a process that was started answers HTTP yet.
 */

const PROBE_TIMEOUT_MS = 1_000;

/** @returns whether `GET url` was answered with a status below 300. */
export async function answersHttp(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
