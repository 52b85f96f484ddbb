/** `headwaiter check`: is this config sound? */
import { DEFAULT_CONFIG_FILE, findConfig, loadConfigFile } from "../config/find.ts";

/** Where a command's output goes. */
interface Output {
  write(text: string): unknown;
}

interface CheckIo {
  /** Takes the verdict of a sound config. */
  readonly stdout: Output;
  /** Takes the faults, `file:line:col: message` each. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

const count = (amount: number, one: string): string => `${amount} ${one}${amount === 1 ? "" : "s"}`;

/** Checks the config that `serve` would use. Gives the exit code: 0, or 1 when there are faults. */
export async function check(args: { readonly config?: string }, io: CheckIo): Promise<number> {
  const found = await findConfig({ flag: args.config, cwd: io.cwd });
  if (found.kind === "demo") {
    io.stdout.write(`ok: no ${DEFAULT_CONFIG_FILE} here and no --config, so the built-in demo would run\n`);
    return 0;
  }
  const result = await loadConfigFile({ file: found.file, cwd: io.cwd, env: io.env });
  if ("faults" in result) {
    for (const { file, line, column, message } of result.faults) {
      io.stderr.write(`${file}:${line}:${column}: ${message}\n`);
    }
    return 1;
  }
  const { upstreams, models } = result.config;
  const endpoints = [...upstreams.values()].reduce((sum, upstream) => sum + upstream.endpoints.length, 0);
  const counts = [
    count(upstreams.size, "upstream"),
    count(endpoints, "endpoint"),
    count(models.routes().length, "model"),
  ];
  io.stdout.write(`ok: ${found.file}: ${counts.join(", ")}\n`);
  return 0;
}
