/** What node:http's own client makes of a response, read from a connection that exists only in memory. */
import http from "node:http";
import { Duplex } from "node:stream";

/** Node's view. */
export interface NodeView {
  readonly outcome: "complete" | "refused";
  readonly status: number;
  /** Flat pairs, names in lower case. */
  readonly headers: readonly string[];
  /** As latin1. */
  readonly body: string;
}

/** @param pieces the response as it comes, read by read; then the peer closes. */
export function nodeView(pieces: readonly Buffer[]): Promise<NodeView> {
  const wire = new Duplex({
    read() {},
    write(_bytes, _encoding, done) {
      done();
    },
  });
  return new Promise((resolve) => {
    let status = 0;
    let headers: readonly string[] = [];
    let body = "";
    let settled = false;
    const settle = (outcome: NodeView["outcome"]): void => {
      if (settled) return;
      settled = true;
      request.destroy();
      resolve({ outcome, status, headers, body });
    };
    const agent = new http.Agent();
    agent.createConnection = () => wire;
    const request = http.request({ agent, maxHeaderSize: 128 * 1024 });
    request.on("error", () => settle("refused"));
    request.on("close", () => {
      if (status === 0) settle("refused");
    });
    request.on("response", (response) => {
      status = response.statusCode!;
      headers = response.rawHeaders.map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text));
      response.setEncoding("latin1");
      response.on("data", (text: string) => (body += text));
      response.on("error", () => settle("refused"));
      response.on("close", () => settle(response.complete ? "complete" : "refused"));
    });
    request.on("upgrade", () => settle("refused"));
    request.end();
    for (const piece of pieces) wire.push(piece);
    wire.push(null);
  });
}
