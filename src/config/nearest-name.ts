/** Finds what a mistyped name was meant to be. */

/** Longer names are not compared: no known name is so long, and the work grows with the square. */
const LONGEST_NAME = 64;

/** Case and separators are not what makes a name wrong: `maxBodySize` is as near to `max_body_size` as can be. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[-_\s]/g, "");
}

/** Edits (insert, delete, replace, swap two neighbours) that turn `from` into `to`. Time and memory O(|from| × |to|). */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (swapped) edits = Math.min(edits, beforeLast[j - 2]! + 1);
      row.push(edits);
    }
    beforeLast = last;
    last = row;
  }
  return last[to.length]!;
}

/**
 * The one of `known` that is nearest to `name`, or `undefined` when none is near enough to be what was meant (more than a
 * third of its letters differ). The first wins among equals.
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const wanted = fold(name);
  let nearest: string | undefined;
  let fewest = Infinity;
  for (const candidate of known) {
    if (candidate.length > LONGEST_NAME) continue;
    const folded = fold(candidate);
    const edits = editDistance(wanted, folded);
    const allowed = Math.floor(Math.max(wanted.length, folded.length) / 3);
    if (edits <= allowed && edits < fewest) {
      nearest = candidate;
      fewest = edits;
    }
  }
  return nearest;
}

/** `; did you mean \`openai\`?`, or nothing when no known name is near. For the end of a fault's message. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? "" : `; did you mean \`${nearest}\`?`;
}
