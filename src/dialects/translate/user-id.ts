/** Who the end user is, in a form that the provider takes: an abuse check only has to tell one from another. */
import { createHash } from "node:crypto";

/** @returns `userId`, or its hash, 64 hexadecimal digits, where it does not `fit`: the same for the same user, and nobody else's. */
export function fittingUserId(userId: string, fit: (userId: string) => boolean): string {
  return fit(userId) ? userId : createHash("sha256").update(userId).digest("hex");
}
