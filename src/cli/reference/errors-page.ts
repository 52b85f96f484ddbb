/** The reference page of the errors, made from the table. */
import { ERRORS } from "../../core/errors.ts";
import { markdownTable } from "./markdown-table.ts";

const INTRODUCTION = `# Errors

Every error that the gateway answers with carries one of these codes in \`x-headwaiter-error\`; the body has the shape of the caller's
dialect. *Source* says whose doing it is, *retry* whether the same request may succeed if it is sent again unchanged. Where the
upstream refused the request, status and message are the upstream's. After the first byte of a stream an error is an event in it.`;

/** `docs/reference/errors.md`. */
export function renderErrorsReference(): string {
  const rows = Object.entries(ERRORS).map(([code, { status, source, retry, message }]) => [
    `\`${code}\``,
    String(status),
    source,
    retry ? "yes" : "no",
    message,
  ]);
  return `${INTRODUCTION}\n\n${markdownTable(["code", "status", "source", "retry", "message"], rows)}\n`;
}
