/** What this node tells of itself, what it hears of the others, and what of that is shown and logged. */

import { NodeSummaries } from "../admin/cluster/node-summaries.ts";
import { encodeSummary } from "../admin/cluster/node-summary.ts";
import { summarize } from "../admin/cluster/summarize.ts";
import type { ClusterView } from "../admin/panels/cluster-panel.ts";
import type { Status } from "../admin/status.ts";
import type { ClusterSettings } from "../cluster/settings.ts";
import type { ClusterStatus } from "../cluster/status.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ClusterJournal } from "./cluster-journal.ts";

/** How often a node tells of itself, in milliseconds. */
const PUBLISH_MS = 2000;

/** What the reports need. */
export interface ClusterReportsParts {
  readonly settings: Pick<ClusterSettings, "name" | "node" | "site">;
  readonly log: Logger;
  /** Sends this node's summary to the others. */
  readonly publish: (bytes: Uint8Array) => void;
  /** The status of this tracker. */
  readonly readStatus: () => Status;
}

/** The reports of a cluster. */
export class ClusterReports implements ClusterView {
  readonly settings: ClusterReportsParts["settings"];
  readonly summaries = new NodeSummaries();
  /** The last report; undefined before the first. */
  status: ClusterStatus | undefined;
  readonly #parts: ClusterReportsParts;
  readonly #journal: ClusterJournal;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: ClusterReportsParts) {
    this.#parts = parts;
    this.settings = parts.settings;
    this.#journal = new ClusterJournal(parts.log);
  }

  /** Begins to publish summaries. */
  start(): void {
    this.#publish();
    this.#timer = setInterval(() => this.#publish(), PUBLISH_MS);
  }

  /** Ends it. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** Takes a report of the cluster thread. */
  report(status: ClusterStatus, nowMs: number): void {
    this.status = status;
    this.summaries.keep(status.nodes.map(({ node }) => node));
    this.#journal.observe(status, nowMs);
  }

  /** Takes what another node says of itself. */
  receive(node: string, bytes: Uint8Array): void {
    this.summaries.receive(node, bytes);
  }

  #publish(): void {
    const summary = summarize(this.#parts.readStatus());
    this.summaries.own = summary;
    this.#parts.publish(encodeSummary(summary));
  }
}
