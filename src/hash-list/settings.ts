/** What the hash list is made by: the configuration's `hashlist`, and the exclude file's content. */

import type { AccessList } from "../tracker/access-list.ts";
import type { HashListFormat } from "./formats/formats.ts";

/** How the list is made. Times in seconds. */
export interface HashListSettings {
  /** Where it is written, without the formats' endings, or null. */
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
  /** Allows those that may be listed. */
  readonly exclude: AccessList;
  readonly dryRun: boolean;
}
