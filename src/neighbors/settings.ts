/** The configuration of a neighbor. */
export interface NeighborSettings {
  readonly name: string;
  /** `announce_request` (announce-template.ts). */
  readonly template: string;
  readonly refreshSeconds: number;
  readonly expirySeconds: number;
  readonly timeoutMs: number;
  readonly maxConcurrent: number;
  readonly maxPerSecond: number;
  /** Names of peer groups. */
  readonly reachableFrom: readonly string[];
}
