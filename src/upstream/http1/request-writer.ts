/** Writes a request's head and body in one go. Framing and `host` are ours alone: what is passed in can't set them. */
import type { Socket } from "node:net";
import type { EndpointAddress } from "../address.ts";
import type { UpstreamRequest } from "../exchange.ts";

/** Up to here head and body are copied together: one small copy is cheaper than a gathering write. */
const COPY_LIMIT_BYTES = 16 * 1024;

/** @param request header values without CR, LF or NUL (the relay's allow-list sees to it). */
export function writeRequest(socket: Socket, address: EndpointAddress, request: UpstreamRequest): void {
  let bodyBytes = 0;
  for (const slice of request.body) bodyBytes += slice.length;
  let head = `${request.method} ${address.basePath}${request.path} HTTP/1.1\r\nhost: ${address.authority}\r\n${address.headerBlock}`;
  for (let i = 0; i < request.headers.length; i += 2) head += `${request.headers[i]}: ${request.headers[i + 1]}\r\n`;
  head += request.method !== "POST" ? "\r\n" : `content-length: ${bodyBytes}\r\n\r\n`;
  if (head.length + bodyBytes <= COPY_LIMIT_BYTES) {
    const message = Buffer.allocUnsafe(head.length + bodyBytes);
    let at = message.write(head, 0, "latin1");
    for (const slice of request.body) {
      message.set(slice, at);
      at += slice.length;
    }
    socket.write(message);
    return;
  }
  socket.cork();
  socket.write(head, "latin1");
  for (const slice of request.body) socket.write(slice);
  socket.uncork();
}
