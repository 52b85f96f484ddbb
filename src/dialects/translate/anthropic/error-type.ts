/** Errors inside a stream that has begun (https://platform.claude.com/docs/en/api/errors). */

const STATUSES: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** The status that the API has for a type; `undefined` for what is not known. */
export function statusOf(type: unknown): number | undefined {
  return typeof type === "string" && Object.hasOwn(STATUSES, type) ? STATUSES[type] : undefined;
}

/** The type that callers of this API know for a status. */
export function errorTypeOf(status: number | undefined): string {
  if (status === 503) return "overloaded_error";
  const known = Object.entries(STATUSES).find(([, its]) => its === status);
  if (known !== undefined) return known[0];
  return status !== undefined && status >= 400 && status < 500 ? "invalid_request_error" : "api_error";
}
