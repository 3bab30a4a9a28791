/** The settings of the hash list: the configuration's `hashlist`, and the content of the exclude file. */

import type { AccessList } from "../tracker/access-list.ts";
import type { HashListFormat } from "./formats/formats.ts";

/** Settings of the hash list. Times in seconds. */
export interface HashListSettings {
  /** The path of the files without their endings, or null for none. */
  readonly path: string | null;
  readonly formats: readonly HashListFormat[];
  readonly interval: number;
  readonly minComplete: number;
  readonly leaveComplete: number;
  readonly minPeers: number;
  readonly minDwell: number;
  /** Tiers that count as inside. */
  readonly tiers: number;
  readonly maxEntries: number;
  /** Allows the torrents that may be listed. */
  readonly exclude: AccessList;
  readonly dryRun: boolean;
}
