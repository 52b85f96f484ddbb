/** A server that speaks the Responses API by its translation alone, with a model that says what a test wants. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { CommonAnswer, CommonEvent, CommonRequest } from "../../src/dialects/translate/common.ts";
import { openaiResponsesFront } from "../../src/dialects/translate/openai-responses/translation.ts";
import type { Loss } from "../../src/dialects/translate/translation.ts";

/** What the model says: an answer, or the events that bring it. */
type Said = CommonAnswer | readonly CommonEvent[];

/** A request as it was read. */
export interface ReadByFront {
  readonly request: CommonRequest;
  readonly losses: readonly Loss[];
}

/** A running server. */
export interface ResponsesFront extends AsyncDisposable {
  /** With the API's version, as the SDKs want it. */
  readonly baseURL: string;
  /** Since the last {@link script}. */
  readonly requests: readonly ReadByFront[];
  /** What is said to each request from now on, in order; to those after the last what was said to the last. */
  script(...said: readonly Said[]): void;
}

/** Listens on a free port. A request that is none, or that loses something essential, is a 400. */
export async function startResponsesFront(): Promise<ResponsesFront> {
  let script: readonly Said[] = [];
  let requests: ReadByFront[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const read = openaiResponsesFront.readRequest(JSON.parse(Buffer.concat(chunks).toString("utf8")), {});
      const refusal = read.ok ? read.losses.find(({ essential }) => essential === true) : read.fault;
      if (!read.ok || refusal !== undefined) {
        outgoing.writeHead(400, { "content-type": "application/json" });
        outgoing.end(JSON.stringify({ error: { message: JSON.stringify(refusal), param: refusal?.field } }));
        return;
      }
      const said = script[Math.min(requests.length, script.length - 1)]!;
      requests.push(read);
      const context = { model: read.request.model, wantsUsage: true, framing: "sse", echo: read.echo } as const;
      if ("parts" in said) {
        outgoing.writeHead(200, { "content-type": "application/json" });
        outgoing.end(JSON.stringify(openaiResponsesFront.writeAnswer(said, context)));
        return;
      }
      const writer = openaiResponsesFront.createWriter(context);
      outgoing.writeHead(200, { "content-type": "text/event-stream" });
      for (const event of said) outgoing.write(writer.write(event));
      outgoing.end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get requests() {
      return requests;
    },
    script(...said) {
      script = said;
      requests = [];
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
