/** The last summary of every other node. */
import { NODES_MAX } from "../../cluster/settings.ts";
import { decodeSummary, type NodeSummary } from "./node-summary.ts";

/** Keeps summaries, at most one for each of {@link NODES_MAX} nodes. */
export class NodeSummaries {
  /** Summaries that were refused: they are none, or there are too many nodes. */
  refused = 0;
  /** The summary of this node, of which the others hear. */
  own: NodeSummary | undefined;
  readonly #last = new Map<string, NodeSummary>();

  /** Takes over what a node has sent. */
  receive(node: string, bytes: Uint8Array): void {
    const summary = decodeSummary(bytes);
    if (summary === undefined || (!this.#last.has(node) && this.#last.size === NODES_MAX)) this.refused++;
    else this.#last.set(node, summary);
  }

  /** The last summary of a node; undefined before the first. */
  of(node: string): NodeSummary | undefined {
    return this.#last.get(node);
  }

  /** Forgets all but these nodes. */
  keep(nodes: readonly string[]): void {
    for (const node of this.#last.keys()) if (!nodes.includes(node)) this.#last.delete(node);
  }
}
