/** Every SDK in front of every upstream API: gateways, one for each upstream, and what is said through them. */
import { configFor, startGateway } from "./gateway.ts";
import type { TestGateway } from "./gateway.ts";
import { anthropicClient } from "./pairs/anthropic-client.ts";
import type { PairClient } from "./pairs/client.ts";
import { googleClient } from "./pairs/google-client.ts";
import { chatClient, responsesClient } from "./pairs/openai-clients.ts";
import { UPSTREAMS } from "./pairs/upstreams.ts";
import type { UpstreamApi } from "./pairs/upstreams.ts";
import { vercelClients } from "./pairs/vercel-clients.ts";
import { startScripted } from "./scripted-upstream.ts";
import type { ReceivedRequest, ScriptedUpstream } from "./scripted-upstream.ts";

/** One upstream API behind one gateway, and the SDKs in front of it. */
export interface PairRow extends AsyncDisposable {
  readonly api: UpstreamApi;
  readonly upstream: ScriptedUpstream;
  readonly gateway: TestGateway;
  readonly clients: readonly PairClient[];
  /** What the upstream does with each request from now on. */
  readonly script: (reply: (request: ReceivedRequest) => void) => void;
}

/** Every official SDK, pointed at `origin`. */
export function clientsAt(origin: string): readonly PairClient[] {
  return [
    chatClient(origin),
    responsesClient(origin),
    anthropicClient(origin),
    googleClient(origin),
    ...vercelClients(origin),
  ];
}

/** @returns a row for each upstream API. */
export function startPairs(): Promise<readonly PairRow[]> {
  return Promise.all(UPSTREAMS.map((api) => startPair(api)));
}

/** @param rest more of the config. @param upstreamRest more of the upstream's. */
export async function startPair(api: UpstreamApi, rest = "", upstreamRest = ""): Promise<PairRow> {
  let reply: (request: ReceivedRequest) => void = ({ socket }) => void socket.destroy();
  const upstream = await startScripted((request) => reply(request));
  const config = configFor(upstream.url, { rest, upstream: upstreamRest })
    .replace("dialect: openai", `dialect: ${api.dialect}`)
    .replace(`${upstream.url}/v1`, upstream.url + api.base)
    .replace('"*": { upstream: up }', `"*": { upstream: up, model: ${api.model} }`);
  const gateway = await startGateway(config);
  return {
    api,
    upstream,
    gateway,
    clients: clientsAt(gateway.url),
    script: (next) => void (reply = next),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}
