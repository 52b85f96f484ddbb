/** A server that gives each request the same answer, for official SDKs to read. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What it answers. */
export interface Served {
  readonly body: string | Buffer;
  /** @default `text/event-stream` */
  readonly contentType?: string;
}

/** See the file's comment. */
export interface Serving extends AsyncDisposable {
  /** `http://127.0.0.1:…` */
  readonly url: string;
  /** The last request's body, parsed. */
  readonly received: () => unknown;
  serve(answer: Served): void;
}

/** Listens on a free port. Nothing is answered before {@link Serving.serve}. */
export async function startServing(): Promise<Serving> {
  let answer: Served = { body: "" };
  let received: unknown;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received = JSON.parse(Buffer.concat(chunks).toString("utf8"));
      response.writeHead(200, { "content-type": answer.contentType ?? "text/event-stream" }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => received,
    serve: (next) => void (answer = next),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
