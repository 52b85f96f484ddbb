/**
 * The config: every key, its type, default, range and meaning. The parsed types, the faults, `docs/reference/config.md`
 * and the demo's defaults all come from here.
 */
import type { z } from "zod";

import { limits, maxConcurrency, price, queue } from "./limits-schema.ts";
import { LONGEST_MODEL_NAME, modelNameFault, nameFault } from "./names.ts";
import { key, list, optional, record, section, sectionWithoutDefault, value } from "./setting.ts";
import { auth, tenants } from "./tenants-schema.ts";
import {
  baseUrl,
  choice,
  duration,
  durationOffOrAdaptive,
  durationOrOff,
  host,
  integer,
  redisUrl,
  secret,
  size,
  sizeOrAuto,
  text,
} from "./values.ts";

/** Patterns are tried one by one for a name that is not known exactly, so there is a bound. */
export const MAX_MODEL_PATTERNS = 1000;

/** More event loops than this in one process share nothing worth having. */
export const MAX_WORKERS = 64;

const server = section({
  host: key("host", host("127.0.0.1"), "Where clients connect. `0.0.0.0` or `::` for every interface."),
  port: key("port", integer({ default: "8080", min: "0", max: "65535" }), "`0` takes any free port."),
  workers: key(
    "workers",
    value<"auto" | number>({
      type: "word or number",
      range: "`auto`, 1 – 64",
      default: "auto",
      expected: "write `auto` or a number from 1 to 64",
      read: (written) => {
        if (written === "auto") return { value: "auto" };
        const count = /^[1-9][0-9]?$/.test(written) ? Number(written) : 0;
        if (count >= 1 && count <= MAX_WORKERS) return { value: count };
        return { fault: "write `auto` or a number from 1 to 64" };
      },
    }),
    "Event loops, each a thread with its own connections. `auto`: as many as there are cores.",
  ),
  max_body_size: key(
    "maxBodySizeBytes",
    size({ default: "32MiB", min: "1KiB", max: "1GiB" }),
    "The largest request body that is accepted; past it, 413.",
  ),
  drain_timeout: key(
    "drainTimeoutMs",
    duration({ default: "30s", min: "0s", max: "24h" }),
    "How long streams may go on after SIGTERM before they are ended with an error event.",
  ),
  memory_limit: key(
    "memoryLimitBytes",
    sizeOrAuto({ min: "64MiB", max: "1024GiB" }),
    "Memory for the whole process: near it, new requests are refused. `auto`: what the cgroup gives, or the machine has.",
  ),
  tls: key(
    "tls",
    optional(
      sectionWithoutDefault({
        cert: key(
          "certFile",
          text({ max: 4096, what: "a file name" }),
          "Certificate chain, PEM. Relative to the config file.",
        ),
        key: key("keyFile", text({ max: 4096, what: "a file name" }), "Private key, PEM. Relative to the config file."),
      }),
    ),
    "Serves https instead of http.",
  ),
});

const admin = section({
  host: key("host", host("127.0.0.1"), "Where metrics and the admin API listen."),
  port: key("port", integer({ default: "9090", min: "0", max: "65535" }), "`0` takes any free port."),
  token: key("token", optional(secret()), "The bearer token that `/admin/v1/*` asks for."),
});

const connections = section({
  max: key(
    "max",
    integer({ default: "1000", min: "1", max: "100000" }),
    "Connections to one endpoint; past it, `upstream_saturated`.",
  ),
  keep_alive_max: key(
    "keepAliveMax",
    integer({ default: "200", min: "0", max: "100000" }),
    "Idle connections kept open to one endpoint.",
  ),
  keep_alive: key(
    "keepAliveMs",
    duration({ default: "30s", min: "1ms", max: "1h" }),
    "How long an idle connection is kept. Keep it below the upstream's own limit.",
  ),
});

const timeouts = section({
  connect: key(
    "connectMs",
    duration({ default: "5s", min: "1ms", max: "5m" }),
    "Until the connection stands, name lookup and TLS included.",
  ),
  first_byte: key(
    "firstByteMs",
    duration({ default: "60s", min: "1ms", max: "1h" }),
    "From the request being sent until the answer begins.",
  ),
  idle: key("idleMs", duration({ default: "60s", min: "1ms", max: "1h" }), "Silence within an answer."),
  total: key("totalMs", duration({ default: "10m", min: "1ms", max: "24h" }), "The whole request, from start to end."),
});

const upstream = section({
  dialect: key("dialect", choice(["openai", "anthropic", "gemini"], "openai"), "The API that the endpoints speak."),
  api_key: key(
    "apiKey",
    optional(secret()),
    "The provider's key. Required for api.openai.com, api.anthropic.com and generativelanguage.googleapis.com.",
  ),
  endpoints: key(
    "endpoints",
    list({
      item: section({
        url: key("url", baseUrl(), "The API's base with its version, without credentials, query or fragment."),
      }),
      max: 256,
      expected: "write a list of at least one endpoint, such as [ { url: https://api.openai.com/v1 } ]",
    }),
    "The addresses that answer for this upstream.",
  ),
  http2: key(
    "http2",
    choice(["auto", "on", "off"], "auto"),
    "`auto`: HTTP/2 where TLS negotiates it, HTTP/1.1 over `http://`. `on`: HTTP/2 only, over `http://` by prior knowledge.",
  ),
  responses: key(
    "responses",
    choice(["auto", "native", "chat"], "auto"),
    "How OpenAI's `/v1/responses` is served here. `native`: passed on. `chat`: as chat completions, without what only the provider " +
      "keeps. `auto`: `native` for OpenAI, Azure, xAI, Groq and OpenRouter.",
  ),
  api_version: key(
    "apiVersion",
    optional(
      text({
        max: 32,
        what: "a version",
        fault: (written) => (/^[A-Za-z0-9.-]+$/.test(written) ? undefined : "write a version such as `2024-10-21`"),
      }),
    ),
    "Azure OpenAI: added to each request as `api-version`. Its `/openai/v1` URLs need none.",
  ),
  connections: key("connections", connections, "Limits of the connection pool, for each endpoint."),
  timeouts: key("timeouts", timeouts, "How long each part of a request may take."),
  max_concurrency: key(
    "maxConcurrency",
    optional(maxConcurrency),
    "Requests under way at a time, all loops together, each to the end of its body. Left out: as many as there are connections.",
  ),
  queue: key("queue", queue, "Where requests wait for `max_concurrency`."),
  limits: key(
    "limits",
    optional(limits),
    "What the provider grants this upstream's key: past it we refuse before the provider does.",
  ),
});

const model = section({
  upstream: key("upstream", text({ max: 64, what: "the name of an upstream" }), "The upstream that serves it."),
  model: key(
    "model",
    optional(
      text({
        max: LONGEST_MODEL_NAME,
        what: "a model name",
        fault: (name) =>
          name.includes("*") ? "`*` is not filled in here; write the upstream's name for it" : undefined,
      }),
    ),
    "What the upstream calls it, where that differs from what the client asks for.",
  ),
  price: key("price", optional(price), "What its tokens cost. Left out: what the table of [prices](prices.md) says."),
});

const streams = section({
  heartbeat: key(
    "heartbeatMs",
    durationOrOff({ default: "15s", min: "1ms", max: "1h" }),
    "A stream silent for so long gets a comment line, so that nothing between us and the client gives it up.",
  ),
  max_buffer: key(
    "maxBufferBytes",
    size({ default: "256KiB", min: "1KiB", max: "64MiB" }),
    "Held for one stream while its client is slow; past it the upstream is paused.",
  ),
  stall_timeout: key(
    "stallTimeoutMs",
    duration({ default: "30s", min: "1ms", max: "1h" }),
    "A client that takes nothing for so long is cut.",
  ),
  coalesce: key(
    "coalesceMs",
    durationOffOrAdaptive({ min: "1ms", max: "1s" }),
    "How long token events of one stream may wait to leave together; never the first one, the end, or an error. `adaptive`: 40 ms while the loop is under pressure, else not at all.",
  ),
});

const images = sectionWithoutDefault({
  max_edge: key(
    "maxEdge",
    integer({ default: "1568", min: "16", max: "16384" }),
    "Pixels of the longer edge; a larger image is scaled down to it.",
  ),
  max_bytes: key(
    "maxBytes",
    size({ default: "5MiB", min: "1KiB", max: "64MiB" }),
    "Of the image file, before base64; a larger one is scaled down until it fits.",
  ),
  format: key(
    "format",
    choice(["keep", "webp", "jpeg"], "keep"),
    "What a scaled image is written as. `keep`: what it was. Images within both limits stay as they are.",
  ),
});

const usage = section({
  count_input: key(
    "countInput",
    choice(["off", "exact"], "off"),
    "`exact` counts the prompt's tokens with OpenAI's encoding o200k_base, for calls whose upstream does not report its usage " +
      "(a stream that is cut). It costs a thread 75 MB and a tenth of a second for each MB of text; no stream waits for it.",
  ),
});

const store = section({
  path: key(
    "path",
    text({ default: "./headwaiter-data", max: 4096, what: "a directory" }),
    "The directory of what is kept: virtual keys, budgets. Relative to the config file; made when it is needed. A reload does not change it.",
  ),
  redis: key(
    "redis",
    optional(redisUrl()),
    "The Redis that several processes share limits and caps through. A reload does not change it.",
  ),
});

/** The whole config. */
export const CONFIG = section({
  server: key("server", server, "The listener for clients."),
  admin: key("admin", admin, "The listener for metrics and administration. It is exempt from all limits."),
  auth: key("auth", auth, "Who is asked for a key."),
  store: key("store", store, "Where things are kept, and shared."),
  tenants: key(
    "tenants",
    tenants,
    "Who is billed and limited, by name. Clients send one of a tenant's keys as `Authorization: Bearer`, `x-api-key`, `x-goog-api-key` or `?key=`.",
  ),
  upstreams: key(
    "upstreams",
    record({
      nameLabel: "NAME",
      nameFault: (name) => nameFault("an upstream", name),
      item: upstream,
      max: 1000,
      expected: "write a map with at least one upstream",
    }),
    "Providers and groups of replicas, by name.",
  ),
  models: key(
    "models",
    record({
      nameLabel: "MODEL",
      nameFault: modelNameFault,
      item: model,
      max: 10_000,
      expected: "write a map with at least one model",
    }),
    "What clients may ask for. A name may hold one `*` anywhere; an exact name goes before a pattern, " +
      `and the pattern with more other characters before the one with fewer. At most ${MAX_MODEL_PATTERNS} patterns.`,
  ),
  default_model: key(
    "defaultModel",
    optional(text({ max: LONGEST_MODEL_NAME, what: "a model name" })),
    "The model that the prompt endpoints ask. It must match one of `models`.",
  ),
  streams: key("streams", streams, "How streams to clients behave."),
  images: key(
    "images",
    optional(images),
    "Scales down large base64 images in requests before they go upstream: JPEG, PNG, WebP and GIF. Left out, images pass as they " +
      "are; `images: {}` takes the defaults. Corrupt images, and those of more than 64 Mi pixels, are refused with 400.",
  ),
  translate: key(
    "translate",
    choice(["strict", "lenient"], "strict"),
    "Where a model's upstream speaks another API than the client. `strict`: a request with a field that has no place there is refused. " +
      "`lenient`: the field is dropped and named in `x-headwaiter-dropped`, unless the conversation would be another without it.",
  ),
  usage: key("usage", usage, "What is counted here rather than believed."),
});

/** The config as parsed: camel case, units in the names, defaults filled in, references not yet resolved. */
export type Settings = z.output<(typeof CONFIG)["schema"]>;

/** One upstream as parsed. */
export type UpstreamSettings = z.output<(typeof upstream)["schema"]>;

/** One tenant as parsed. */
export type TenantSettings = NonNullable<Settings["tenants"]> extends ReadonlyMap<string, infer One> ? One : never;
