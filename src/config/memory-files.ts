/** Files in memory, for tests. */
import type { ReadFile } from "./read-file.ts";

/** Reads the given files in pieces of `pieceBytes`, or at once. Other files do not exist. */
export function memoryFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
  pieceBytes = Number.POSITIVE_INFINITY,
): ReadFile {
  return async function* (path) {
    const content = files[path];
    if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    const bytes = Buffer.from(content);
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  };
}
