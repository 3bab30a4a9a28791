import type { Panel } from "../admin/panel.ts";
import type { Component } from "./lifecycle.ts";

/**
 * An optional component of the control plane, such as the hash list. Announces never depend on it: it starts after the
 * workers, and stops before them. Only the cluster stops after them, because it tells the other nodes of the last announces.
 */
export interface Feature extends Required<Component> {
  /** What it shows to the operator. */
  readonly panel: Panel;
}
