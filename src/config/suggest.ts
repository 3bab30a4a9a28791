/** "Did you mean": suggests the most similar word. */
import { distance } from "fastest-levenshtein";

/**
 * The end of a message: `; did you mean "…"?`, with the candidate most similar to `word`. Empty if all candidates
 * differ in more than two letters and more than a third of them, and none contains the word at its beginning or end.
 */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const most = Math.min(word.length - 1, Math.max(2, Math.floor(word.length / 3)));
  let nearest: string | undefined;
  let least = most + 1;
  for (const candidate of candidates) {
    const edits = distance(word.toLowerCase(), candidate.toLowerCase());
    if (edits < least) {
      nearest = candidate;
      least = edits;
    }
  }
  nearest ??= candidates.find((candidate) => isPart(word, candidate) || isPart(candidate, word));
  return nearest === undefined ? "" : `; did you mean "${nearest}"?`;
}

/** Whether a word is the beginning or the end of a longer one, such as `warn` and `warning`. */
function isPart(word: string, whole: string): boolean {
  return word.length >= 3 && (whole.startsWith(word) || whole.endsWith(word));
}
