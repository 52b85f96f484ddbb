/**
 * The closed table of errors: every refusal and failure that a caller can see, and the one type that carries it.
 *
 * `docs/reference/errors.md` is generated from this table, so a code exists here or nowhere.
 */

/** Whose doing an error is. Decides who is told to act. */
type ErrorSource = "client" | "gateway" | "upstream";

interface ErrorRow {
  /** HTTP status when nothing has been sent yet. */
  readonly status: number;
  readonly source: ErrorSource;
  /** Whether the same request may succeed if sent again unchanged. */
  readonly retry: boolean;
  /** Default message. Says what to do, where something can be done. */
  readonly message: string;
}

const row = (status: number, source: ErrorSource, retry: boolean, message: string): ErrorRow => ({
  status,
  source,
  retry,
  message,
});

/** Code → status, source, whether to retry, default message. */
export const ERRORS = {
  bad_request: row(400, "client", false, "The request is not valid HTTP for this server."),
  invalid_json: row(400, "client", false, "The request body is not valid JSON."),
  invalid_request: row(400, "client", false, "The request body is not valid."),
  prompt_empty: row(400, "client", false, "Prompt cannot be empty."),
  untranslatable: row(
    400,
    "client",
    false,
    "This model's upstream speaks another API, which has no place for part of the request.",
  ),
  dialect_mismatch: row(400, "client", false, "This model's upstream does not speak the dialect of this route."),
  route_not_found: row(404, "client", false, "There is nothing at this path."),
  model_not_found: row(404, "client", false, "The model does not exist."),
  method_not_allowed: row(405, "client", false, "This path does not take this method."),
  request_timeout: row(408, "client", true, "The request did not arrive in time."),
  body_too_large: row(413, "client", false, "The request body is larger than this server accepts."),
  content_encoding_unsupported: row(415, "client", false, "Send the request body without a content-encoding."),
  content_type_unsupported: row(415, "client", false, "Send the request body as application/json."),
  config_invalid: row(422, "client", false, "The new config is at fault; the old one stays."),
  expectation_failed: row(417, "client", false, "The only expectation this server meets is 100-continue."),
  headers_too_large: row(431, "client", false, "The request headers are larger than this server accepts."),
  key_missing: row(401, "client", false, "Send a key of this gateway."),
  key_invalid: row(401, "client", false, "The key is not known to this gateway, has expired or was revoked."),
  model_not_allowed: row(403, "client", false, "This key may not use this model."),
  rate_limited: row(429, "gateway", true, "A limit is reached; try again later."),
  budget_exhausted: row(429, "gateway", true, "A budget is used up; try again later."),
  concurrency_limited: row(429, "gateway", true, "Too many requests are under way at a time; try again."),
  queue_full: row(429, "gateway", true, "Too many requests wait for this model already; try again."),
  queue_timeout: row(
    429,
    "gateway",
    true,
    "The request waited, or would have waited, too long for this model; try again.",
  ),
  upstream_waits: row(429, "gateway", true, "The upstream has asked not to be asked for a while; try again later."),
  limit_reached: row(429, "gateway", true, "The stream has used up a limit, and ends here."),
  unauthorized: row(401, "client", false, "A valid bearer token is needed."),
  internal: row(500, "gateway", true, "The gateway failed to handle this request."),
  draining: row(503, "gateway", true, "This gateway is shutting down; try again."),
  overloaded: row(503, "gateway", true, "This gateway has too much to do at the moment; try again."),
  upstream_key_missing: row(503, "gateway", false, "The provider key for this model is not set on the gateway."),
  upstream_saturated: row(503, "gateway", true, "All connections to this model's upstream are in use; try again."),
  upstream_unreachable: row(502, "upstream", true, "The upstream could not be reached."),
  upstream_disconnected: row(
    502,
    "upstream",
    true,
    "The upstream closed the connection before its answer was complete.",
  ),
  upstream_invalid: row(502, "upstream", true, "The upstream's answer was not understood."),
  upstream_status: row(502, "upstream", false, "The upstream refused the request."),
  upstream_error: row(502, "upstream", true, "The upstream reported an error in its stream."),
  upstream_connect_timeout: row(504, "upstream", true, "The upstream did not accept a connection in time."),
  upstream_first_byte_timeout: row(504, "upstream", true, "The upstream did not begin to answer in time."),
  upstream_idle_timeout: row(504, "upstream", true, "The upstream fell silent in the middle of its answer."),
  total_timeout: row(504, "gateway", true, "The request took longer than this gateway allows."),
} as const satisfies Record<string, ErrorRow>;

/** One of the closed table's codes; sent as `x-headwaiter-error`. */
export type ErrorCode = keyof typeof ERRORS;

interface GatewayErrorOptions {
  /** Replaces the table's message. Must not hold a key, a prompt or an address the client may not know. */
  readonly message?: string;
  /** HTTP status, where it is the upstream's and not the table's. Range 400–599. */
  readonly status?: number;
  /** The field of the request that is at fault, e.g. `"model"`. */
  readonly param?: string;
  /** How long the caller should wait, milliseconds. Set for 429 and 503. */
  readonly retryAfterMs?: number;
  /** Whether the same request may succeed later, where it is not as the table says. */
  readonly retry?: boolean;
  /** For the log alone; never sent. */
  readonly detail?: string;
}

/**
 * A refusal or failure that the caller will see. A value that is returned and passed on; not an `Error`, because a stack
 * trace costs more than the whole refusal and says nothing that the code does not.
 */
export class GatewayError {
  readonly code: ErrorCode;
  readonly status: number;
  readonly message: string;
  readonly param: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** Whether the same request may succeed if sent again unchanged. */
  readonly retry: boolean;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, options: GatewayErrorOptions = {}) {
    const row = ERRORS[code];
    this.code = code;
    this.status = options.status ?? row.status;
    this.message = options.message ?? row.message;
    this.param = options.param;
    this.retryAfterMs = options.retryAfterMs;
    this.retry = options.retry ?? row.retry;
    this.detail = options.detail;
  }

  /** Whose doing it is. */
  get source(): ErrorSource {
    return ERRORS[this.code].source;
  }
}
