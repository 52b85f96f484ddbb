/** Stops code between its atomic operations, where another thread could act or this one could end. */

const NAMES = ["add", "sub", "load", "store"] as const;

/**
 * Runs `run` with `onStep` before each of its atomic operations. While `onStep` runs, `Atomics` is as always: what it does
 * happens between two steps of `run`, and an exception of its ends `run` there, as a thread's end would.
 *
 * @param onStep gets the number of the step, from 0.
 */
export function inSteps<T>(run: () => T, onStep: (step: number) => void): T {
  const originals = NAMES.map((name) => [name, Atomics[name]] as const);
  const restore = (): void => {
    for (const [name, original] of originals) Object.assign(Atomics, { [name]: original });
  };
  let step = 0;
  const replace = (): void => {
    for (const [name, original] of originals) {
      const stepped = (...args: unknown[]): unknown => {
        restore();
        onStep(step++);
        replace();
        return Reflect.apply(original, Atomics, args);
      };
      Object.assign(Atomics, { [name]: stepped });
    }
  };
  replace();
  try {
    return run();
  } finally {
    restore();
  }
}
