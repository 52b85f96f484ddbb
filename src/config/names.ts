/** What upstreams, tenants and models may be called. A name's fault never repeats the name. */

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Characters. */
export const LONGEST_MODEL_NAME = 256;

/** The fault of an upstream's or tenant's name, or `undefined`. @param owner e.g. `an upstream`. */
export function nameFault(owner: string, name: string): string | undefined {
  if (NAME.test(name)) return undefined;
  return `${owner}'s name has 1 to 64 letters, digits, \`_\`, \`.\` and \`-\`, a letter or digit first`;
}

/** The fault of a model's name or pattern, or `undefined`. */
export function modelNameFault(name: string): string | undefined {
  if (!/^[\u0021-\u007e]+$/.test(name) || name.length > LONGEST_MODEL_NAME) {
    return `a model name has 1 to ${LONGEST_MODEL_NAME} visible ASCII characters`;
  }
  return name.indexOf("*") === name.lastIndexOf("*") ? undefined : "a pattern may hold only one `*`";
}
