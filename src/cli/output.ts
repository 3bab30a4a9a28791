/** Standard output and error, which may be a closed pipe or a full disk. */

/**
 * Writes to standard output. A reader that has gone (`btrt config | head`) has what it wanted.
 * @returns the exit code: 1 when it could not be written, which is then said on standard error.
 */
export function print(text: string | Uint8Array): Promise<number> {
  return new Promise((resolve) => {
    ignoreErrors(process.stdout);
    process.stdout.write(text, (error) => {
      const failed = error && !("code" in error && error.code === "EPIPE");
      if (failed) printError(`btrt: standard output: ${error.message}`);
      resolve(failed ? 1 : 0);
    });
  });
}

/** Writes lines to standard error, if anybody reads it. */
export function printError(lines: string): void {
  ignoreErrors(process.stderr);
  process.stderr.write(`${lines}\n`);
}

/** A stream also emits what the callback of a write gets, and without a listener that would end the process. */
function ignoreErrors(stream: NodeJS.WriteStream): void {
  if (stream.listenerCount("error", ignore) === 0) stream.on("error", ignore);
}

function ignore(): void {}
