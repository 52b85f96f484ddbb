/** Names of models as the config writes them: exact, or with one `*` that stands for any text or none. */

/** Whether `pattern` stands for `name`. A pattern without `*` stands for itself alone. */
export function matchesPattern(pattern: string, name: string): boolean {
  const star = pattern.indexOf("*");
  if (star === -1) return pattern === name;
  return (
    name.length >= pattern.length - 1 &&
    name.startsWith(pattern.slice(0, star)) &&
    name.endsWith(pattern.slice(star + 1))
  );
}

/** Whether there is a name that both stand for. */
export function patternsOverlap(one: string, other: string): boolean {
  if (!one.includes("*")) return matchesPattern(other, one);
  if (!other.includes("*")) return matchesPattern(one, other);
  const [onePrefix = "", oneSuffix = ""] = one.split("*");
  const [otherPrefix = "", otherSuffix = ""] = other.split("*");
  const prefixesAgree = onePrefix.startsWith(otherPrefix) || otherPrefix.startsWith(onePrefix);
  return prefixesAgree && (oneSuffix.endsWith(otherSuffix) || otherSuffix.endsWith(oneSuffix));
}
