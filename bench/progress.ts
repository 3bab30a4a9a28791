/** What is going on, for who waits for it; it is no part of the results. */

/** Shows one line. */
export function showProgress(text: string): void {
  process.stderr.write(`… ${text}\n`);
}
