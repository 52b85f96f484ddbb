import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
/** Output kept, bytes. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** Characters of a failure quoted. */
const QUOTED_CHARS = 300;

/**
 * Runs a command to its end.
 *
 * @returns standard output and standard error, one after the other.
 * @throws {Error} with the end of its output when it is missing, fails, or takes longer than `timeoutMs`.
 */
export async function runCommand(command: string, args: readonly string[], timeoutMs: number): Promise<string> {
  try {
    const { stdout, stderr } = await run(command, args, { timeout: timeoutMs, maxBuffer: MAX_OUTPUT_BYTES });
    return `${stdout}${stderr}`;
  } catch (error) {
    const { code, killed, stderr = "" } = error as { code?: unknown; killed?: boolean; stderr?: string };
    const why =
      killed === true
        ? `took longer than ${timeoutMs / 1000} s`
        : code === "ENOENT"
          ? "not found"
          : `failed (${String(code)})`;
    const said = stderr.trim().slice(-QUOTED_CHARS);
    throw new Error(`${command} ${why}${said === "" ? "" : `: ${said}`}`, { cause: error });
  }
}
