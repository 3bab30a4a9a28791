/** Prefixes as operators write them: what is wrong with one, and what is only odd. */
import { formatPrefix, type Prefix, parsePrefix } from "../network/prefix.ts";

/** A prefix, with what it makes worth a warning; or what is wrong with it. */
export type PrefixReading =
  | { readonly prefix: Prefix; readonly warning?: string; readonly error?: undefined }
  | { readonly prefix?: undefined; readonly warning?: undefined; readonly error: string };

/** Reads `ADDRESS/LENGTH` or a bare address. */
export function readPrefix(text: string): PrefixReading {
  try {
    const { prefix, hostBitsSet } = parsePrefix(text);
    if (!hostBitsSet) return { prefix };
    return {
      prefix,
      warning: `"${text}" has bits set after its length: it is read as ${formatPrefix(prefix)}`,
    };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
