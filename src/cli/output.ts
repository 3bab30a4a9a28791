/** Output to standard output and standard error, which may be a closed pipe or a full disk. */
import { forStandardError, PRIORITY, type Priority } from "../platform/journal.ts";

/**
 * Writes to standard output. A closed pipe (`btrt config | head`) is not an error.
 * @returns the exit code: 1 if writing failed, which is reported on standard error.
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

/** Writes lines to standard error, as errors if that is the journal. Errors of writing are ignored. */
export function printError(lines: string): void {
  writeLines(lines, PRIORITY.error);
}

/** Writes lines to standard error that report no error. */
export function printNotice(lines: string): void {
  writeLines(lines, PRIORITY.info);
}

function writeLines(lines: string, priority: Priority): void {
  ignoreErrors(process.stderr);
  process.stderr.write(`${forStandardError(lines, priority)}\n`);
}

/** A stream also emits the error that the callback of a write receives; without a listener that ends the process. */
function ignoreErrors(stream: NodeJS.WriteStream): void {
  if (stream.listenerCount("error", ignore) === 0) stream.on("error", ignore);
}

function ignore(): void {}
