/** Reads a peer group's `cidr_file`: a prefix per line, `#` starts a comment. */
import type { Prefix } from "../network/prefix.ts";
import { PROBLEM_LIMIT, type Problem } from "./problem.ts";
import { type ReadFile, readLines } from "./read-file.ts";
import { readPrefix } from "./read-prefix.ts";

/** Limit of prefixes in a file: about twice the global routing table. */
const PREFIX_LIMIT = 2_000_000;

/** Limit of a line in bytes: a prefix and a long comment. */
const LINE_BYTES = 4096;

/** The content of a file. If there are problems, it has the prefixes before them. */
export interface CidrFile {
  readonly prefixes: readonly Prefix[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Reads a file of prefixes, at most `limit`. @throws FileError if it cannot be read. */
export async function readCidrFile(file: string, read: ReadFile, limit = PREFIX_LIMIT): Promise<CidrFile> {
  const prefixes: Prefix[] = [];
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  await readLines(file, LINE_BYTES, read, (bytes, start, end, line) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
    const entry = text.split("#", 1)[0].trim();
    if (entry === "") return true;
    const place = { file, line, column: text.indexOf(entry) + 1, key: "" };
    const { prefix, warning, error } = readPrefix(entry);
    const full = prefixes.length === limit;
    if (full) problems.push({ ...place, message: `more than ${limit} prefixes` });
    else if (prefix === undefined) problems.push({ ...place, message: error });
    else prefixes.push(prefix);
    if (warning !== undefined && warnings.length < PROBLEM_LIMIT)
      warnings.push({ ...place, message: warning });
    return !full && problems.length < PROBLEM_LIMIT;
  });
  return { prefixes, problems, warnings };
}
