/** "Did you mean": suggests the most similar word. */
import { distance } from "fastest-levenshtein";

/**
 * The end of a message: `; did you mean "…"?`, with the candidate most similar to `word`. Empty if all candidates
 * differ in more than two letters and more than a third of them.
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
  return nearest === undefined ? "" : `; did you mean "${nearest}"?`;
}
