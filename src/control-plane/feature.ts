import type { Panel } from "../admin/panel.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { PolicyData } from "../data-plane/protocol.ts";

/**
 * A part of the control plane that clients are answered without: it begins when they are, follows reloads, and ends
 * before they are answered no more.
 */
export interface Feature {
  /** What it shows to the operator. */
  readonly panel: Panel;
  start(): void;
  /** @param policy the one that the data plane is about to follow. */
  adopt(loaded: LoadedConfig, policy: PolicyData): void;
  stop(): Promise<void>;
}
