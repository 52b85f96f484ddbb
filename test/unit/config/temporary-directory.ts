import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** A directory of the test's own, gone when it ends. */
export function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "headwaiter-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
