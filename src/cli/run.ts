/** Reads the command line and runs one command. */
import { parseArgs } from "node:util";
import type { ParseArgsConfig } from "node:util";
import { nearestName } from "../config/nearest-name.ts";
import { MAX_WORKERS } from "../config/schema.ts";
import type { KeysArguments } from "./keys.ts";

const USAGE = `Headwaiter: an LLM gateway that holds tens of thousands of token streams.

  headwaiter [serve] [--config FILE] [--host H] [--port N] [--workers N|auto]
  headwaiter check [--config FILE]
  headwaiter sim [--host H] [--port N] [--http2] [--ttft 200ms] [--gap 20ms] [--tokens 100] [--error-rate 0..1]
  headwaiter keys create --tenant T [--expires 30d] [--models A,B] [--config FILE] [--json]
  headwaiter keys list [--tenant T] [--config FILE] [--json]
  headwaiter keys revoke ID [--config FILE] [--json]
  headwaiter doctor [--config FILE] [--streams N] [--json]
  headwaiter bench [URL] [--scenario NAME] [--streams N] [--duration 30s] …   (headwaiter bench --help)

Without a config it runs a demo: the simulated model "sim", and each provider whose key is in the environment.
`;

/** The command line can't be understood. */
class UsageError extends Error {}

type Options = NonNullable<ParseArgsConfig["options"]>;
type Command = (args: string[]) => Promise<number>;

const COMMANDS: Readonly<Record<string, Command>> = {
  async serve(args) {
    const values = read(args, {
      config: { type: "string" },
      host: { type: "string" },
      port: { type: "string" },
      workers: { type: "string" },
    });
    const { serve } = await import("./serve.ts");
    return serve({ ...text("config", values), ...text("host", values), ...number("port", values), ...workers(values) });
  },
  async check(args) {
    const values = read(args, { config: { type: "string" } });
    const { check } = await import("./check.ts");
    return check(text("config", values), {
      stdout: process.stdout,
      stderr: process.stderr,
      env: process.env,
      cwd: process.cwd(),
    });
  },
  async sim(args) {
    const values = read(args, {
      host: { type: "string" },
      port: { type: "string" },
      http2: { type: "boolean" },
      ttft: { type: "string" },
      gap: { type: "string" },
      tokens: { type: "string" },
      "error-rate": { type: "string" },
    });
    const { sim } = await import("./sim.ts");
    const errorRate = number("error-rate", values)["error-rate"];
    return sim(
      {
        ...text("host", values),
        ...number("port", values),
        ...(values["http2"] === true ? { http2: true } : {}),
        ...text("ttft", values),
        ...text("gap", values),
        ...number("tokens", values),
        ...(errorRate === undefined ? {} : { errorRate }),
      },
      process,
    );
  },
  async keys([action = "", ...args]) {
    const parsed = keysAction(action, args);
    const { keys } = await import("./keys.ts");
    return keys(parsed, { stdout: process.stdout, stderr: process.stderr, env: process.env, cwd: process.cwd() });
  },
  async doctor(args) {
    const values = read(args, {
      config: { type: "string" },
      streams: { type: "string" },
      json: { type: "boolean" },
    });
    const { streams } = number("streams", values);
    if (streams !== undefined && !(Number.isSafeInteger(streams) && streams >= 1))
      throw new UsageError(`--streams takes a whole number of 1 or more, not ${streams}`);
    const { doctor } = await import("./doctor.ts");
    return doctor(
      {
        ...text("config", values),
        ...(streams === undefined ? {} : { streams }),
        ...(values["json"] === true ? { json: true } : {}),
      },
      { stdout: process.stdout, env: process.env, cwd: process.cwd() },
    );
  },
  async bench(args) {
    const { bench } = await import("./bench.ts");
    return bench(args, process);
  },
};

/** Runs what `argv` asks for. @returns the exit code: 0, 1 for a fault that was said on stderr, 2 for a wrong command line. */
export async function run(argv: readonly string[]): Promise<number> {
  const [first = "serve", ...rest] = argv;
  if (first === "--help" || first === "-h" || first === "help") {
    process.stdout.write(USAGE);
    return 0;
  }
  // `headwaiter --port 9000` is `headwaiter serve --port 9000`.
  const name = first.startsWith("-") ? "serve" : first;
  const args = first.startsWith("-") ? [...argv] : rest;
  if (args.includes("--help") && name !== "bench") {
    process.stdout.write(USAGE);
    return 0;
  }
  try {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command === undefined) {
      const nearest = nearestName(name, Object.keys(COMMANDS));
      throw new UsageError(
        `there is no command ${JSON.stringify(name)}${nearest === undefined ? "" : `; did you mean ${nearest}?`}`,
      );
    }
    return await command(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`headwaiter: ${error.message}\n\n${USAGE}`);
    return 2;
  }
}

function keysAction(action: string, args: string[]): KeysArguments {
  const shared = { config: { type: "string" }, json: { type: "boolean" } } as const;
  const flags = (values: Values): { config?: string; json?: boolean } => ({
    ...text("config", values),
    ...(values["json"] === true ? { json: true } : {}),
  });
  switch (action) {
    case "create": {
      const one = { type: "string" } as const;
      const values = read(args, { ...shared, tenant: one, expires: one, models: one });
      const { tenant } = text("tenant", values);
      if (tenant === undefined) throw new UsageError("keys create needs --tenant");
      return { action, tenant, ...text("expires", values), ...text("models", values), ...flags(values) };
    }
    case "list": {
      const values = read(args, { ...shared, tenant: { type: "string" } });
      return { action, ...text("tenant", values), ...flags(values) };
    }
    case "revoke": {
      const { values, positionals } = parse(args, shared, true);
      const [id] = positionals;
      if (id === undefined || positionals.length > 1) throw new UsageError("keys revoke takes the ID of one key");
      return { action, id, ...flags(values) };
    }
    default:
      throw new UsageError("keys takes create, list or revoke");
  }
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

function read(args: string[], options: Options): Values {
  return parse(args, options, false).values;
}

interface Parsed {
  readonly values: Values;
  readonly positionals: readonly string[];
}

function parse(args: string[], options: Options, allowPositionals: boolean): Parsed {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals }) as Parsed;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function text<N extends string>(name: N, values: Values): { [K in N]?: string } {
  const value = values[name];
  return (typeof value === "string" ? { [name]: value } : {}) as { [K in N]?: string };
}

function workers({ workers: value }: Values): { workers?: "auto" | number } {
  if (typeof value !== "string") return {};
  if (value === "auto") return { workers: value };
  if (!/^[1-9][0-9]?$/.test(value) || Number(value) > MAX_WORKERS) {
    throw new UsageError(`--workers takes auto or 1 to ${MAX_WORKERS}, not ${value}`);
  }
  return { workers: Number(value) };
}

function number<N extends string>(name: N, values: Values): { [K in N]?: number } {
  const value = values[name];
  if (typeof value !== "string") return {};
  const parsed = value.trim() === "" ? Number.NaN : Number(value);
  if (!Number.isFinite(parsed) || parsed < 0)
    throw new UsageError(`--${name} takes a number, not ${JSON.stringify(value)}`);
  if (name === "port" && (!Number.isInteger(parsed) || parsed > 65_535))
    throw new UsageError(`--port takes 0 to 65535, not ${value}`);
  return { [name]: parsed } as { [K in N]?: number };
}
