/** Shows progress. It is not part of the results. */

/** Shows one line. */
export function showProgress(text: string): void {
  process.stderr.write(`… ${text}\n`);
}
