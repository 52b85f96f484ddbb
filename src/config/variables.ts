/**
 * `${NAME}` in a config. Values are put in after YAML has been parsed, so no value can change what the YAML means.
 *
 * In a flow map such as `{ token: ${TOKEN} }` YAML would take the braces as its own. So before parsing each `${NAME}` is
 * written with two Unicode noncharacters for its braces (same length: positions stay exact), and turned back in each scalar.
 */

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;
const PROTECTED = /\$\uFDD0([A-Za-z_][A-Za-z0-9_]*)\uFDD1/g;

/** Makes the references in YAML source opaque to a YAML parser. Same length, same lines. */
export function protectReferences(source: string): string {
  return source.replaceAll(REFERENCE, "$\uFDD0$1\uFDD1");
}

/** Undoes {@link protectReferences} in one scalar. */
export function restoreReferences(scalar: string): string {
  return scalar.replaceAll(PROTECTED, "$${$1}");
}

/** Whether `text` refers to a variable. */
export function hasReference(text: string): boolean {
  return text.search(REFERENCE) !== -1;
}

/** The text with its references filled in, or all that is wrong with them. */
export type Substitution = { readonly text: string } | { readonly faults: readonly string[] };

/**
 * Fills in the references of one scalar from `env`; `$${` gives a plain `${`. A variable that is not set or empty is a
 * fault. Faults name variables, never values.
 */
export function substitute(scalar: string, env: Readonly<Record<string, string | undefined>>): Substitution {
  const faults: string[] = [];
  const text = scalar.replaceAll(/\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)\})?/g, (whole, name: string | undefined) => {
    if (whole === "$${") return "${";
    if (name === undefined) {
      faults.push("a `${` here is not `${NAME}` with a variable's name; write `$${` for a plain `${`");
      return "";
    }
    const found = Object.hasOwn(env, name) ? env[name] : undefined;
    if (found === undefined) faults.push(`the environment variable \`${name}\` is not set`);
    else if (found === "") faults.push(`the environment variable \`${name}\` is empty`);
    return found ?? "";
  });
  return faults.length > 0 ? { faults } : { text };
}
