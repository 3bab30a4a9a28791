/** Parses prefixes, with errors and warnings for the operator. */

import { formatPrefix, type Prefix, parsePrefix } from "../network/prefix.ts";
import { likelyPrefixes } from "./likely-prefixes.ts";

/** A prefix, possibly with a warning; or an error. */
export type PrefixReading =
  | { readonly prefix: Prefix; readonly warning?: string; readonly error?: undefined }
  | { readonly prefix?: undefined; readonly warning?: undefined; readonly error: string };

/** Parses `ADDRESS/LENGTH` or an address. */
export function readPrefix(text: string): PrefixReading {
  try {
    const { prefix, hostBitsSet } = parsePrefix(text);
    if (!hostBitsSet) return { prefix };
    return {
      prefix,
      warning: `"${text}" has host bits set: it is read as ${formatPrefix(prefix)}`,
    };
  } catch (error) {
    const likely = likelyPrefixes(text);
    if (likely !== undefined) return { error: `"${text}" is not a prefix; write ${likely}` };
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
