/** What `serve` says on a terminal before the log begins: where it is, and a line to try. */
import type { ConfigSnapshot, UpstreamConfig } from "../config/snapshot.ts";

/** @param port of the data plane. @param adminPort `null` where that port is not ours yet. */
export function greeting(config: ConfigSnapshot, port: number, adminPort: number | null): string {
  const host = (name: string): string => (name.includes(":") ? `[${name}]` : name === "0.0.0.0" ? "127.0.0.1" : name);
  const scheme = config.server.tls === undefined ? "http" : "https";
  const url = `${scheme}://${host(config.server.host)}:${port}`;
  return (
    `Headwaiter at ${url} (${config.source === "demo" ? "demo: the simulated model `sim`" : config.source})\n` +
    `Metrics at http://${host(config.admin.host)}:${adminPort ?? config.admin.port}/metrics\n` +
    `${[...config.upstreams.values()].map(describeUpstream).join("")}\n${exampleRequest(config, url)}`
  );
}

function describeUpstream({ name, dialect, missingKeyVariable }: UpstreamConfig): string {
  return `  ${name}: ${dialect}${missingKeyVariable === undefined ? "" : `, without a key: set ${missingKeyVariable}`}\n`;
}

/** A curl line that streams; none where no model has a name of its own. Any upstream answers in any of the APIs. */
function exampleRequest(config: ConfigSnapshot, url: string): string {
  const model = config.defaultModel ?? config.models.names()[0];
  if (model === undefined) return "";
  const { required } = config.auth;
  const [tenant] = config.tenants.keys();
  const body = JSON.stringify({ model, stream: true, messages: [{ role: "user", content: "Say hello" }] });
  const quoted = body.replaceAll("'", "'\\''");
  return (
    (required ? `  headwaiter keys create --tenant ${tenant ?? "NAME"}   # a key, where you have none\n` : "") +
    `  curl -N ${url}/v1/chat/completions ${required ? `-H "authorization: Bearer $KEY" ` : ""}` +
    `-H 'content-type: application/json' -d '${quoted}'\n\n`
  );
}
