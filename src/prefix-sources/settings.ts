/** The settings of one prefix source. */
import type { PrefixFormatName } from "./formats/formats.ts";

/** Where the prefixes of a peer group are read, and within which limits. */
export interface PrefixSourceSettings {
  /** The name of the peer group, which is unique. */
  readonly group: string;
  /** An http or https URL; or a program and its arguments. */
  readonly from: string | readonly string[];
  readonly format: PrefixFormatName;
  /** What is used of the text: AS numbers, as-sets, or PIDs. Empty: everything. */
  readonly select: readonly string[];
  /** Seconds between two reads. */
  readonly interval: number;
  /** Timeout of a read in seconds. */
  readonly timeout: number;
  /** Limit of the text in bytes, after decompression. */
  readonly maxBytes: number;
  readonly maxPrefixes: number;
  /** The path of the last good copy. */
  readonly copy: string;
}
