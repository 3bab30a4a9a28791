/** Logs what changes in the cluster: nodes that join, leave and catch up, and the connection of this one. */
import { type ClusterStatus, UNANSWERED_MAX } from "../cluster/status.ts";
import type { Logger } from "../telemetry/logger.ts";
import { RepeatLimit } from "../telemetry/repeat-limit.ts";

type Node = ClusterStatus["nodes"][number];

/** Compares each report of the cluster thread with the one before. */
export class ClusterJournal {
  readonly #log: Pick<Logger, "info" | "warning" | "error">;
  readonly #missed = new RepeatLimit();
  #before: ClusterStatus | undefined;
  /** When this node began to catch up, in milliseconds; undefined while it does not. */
  #catchingUpSince: number | undefined;

  constructor(log: Pick<Logger, "info" | "warning" | "error">) {
    this.#log = log;
  }

  /** Takes a report. @param nowMs for the duration of catching up. */
  observe(status: ClusterStatus, nowMs: number): void {
    const before = this.#before;
    this.#before = status;
    this.#observeConnection(before, status);
    this.#observeCatchingUp(status, nowMs);
    if (status.sameName && before?.sameName !== true)
      this.#log.error("another tracker in the cluster has the name of this node: set cluster.node");
    if (status.refused.version > 0 && (before?.refused.version ?? 0) === 0)
      this.#log.error(
        "a tracker in the cluster has another major version, and is refused: upgrade all nodes",
      );
    for (const node of status.nodes)
      this.#observeNode(
        before?.nodes.find((each) => each.node === node.node),
        node,
      );
    this.#observeMissed(before, status, nowMs);
    for (const { node, site } of before?.nodes ?? [])
      if (!status.nodes.some((each) => each.node === node))
        this.#log.info({ node, site }, "a node of the cluster is forgotten");
  }

  #observeConnection(before: ClusterStatus | undefined, status: ClusterStatus): void {
    const { connected, server, serverVersion, lastError } = status;
    if (connected && before?.connected !== true)
      this.#log.info({ server, serverVersion }, "connected to the nats-server");
    if (!connected && before?.connected === true)
      this.#log.warning(
        { server: before.server, reason: lastError },
        "the connection to the nats-server is lost: this node goes on alone, and tries again",
      );
    if (!connected && before?.connected !== true && lastError !== null && lastError !== before?.lastError)
      this.#log.warning({ reason: lastError }, "no connection to a nats-server");
  }

  #observeCatchingUp({ state, catchingUp }: ClusterStatus, nowMs: number): void {
    if (state === "catching-up" && this.#catchingUpSince === undefined) {
      this.#catchingUpSince = nowMs;
      this.#log.info({ from: catchingUp?.from }, "catching up with the cluster");
    }
    if (state === "current" && this.#catchingUpSince !== undefined) {
      this.#log.info(
        { milliseconds: Math.round(nowMs - this.#catchingUpSince) },
        "caught up with the cluster",
      );
      this.#catchingUpSince = undefined;
    }
  }

  #observeNode(before: Node | undefined, { node, site, version, state, boot, unanswered }: Node): void {
    const wasThere = before !== undefined && before.state !== "silent";
    if (state === "silent") {
      if (wasThere) this.#log.warning({ node, site }, "a node has left the cluster: it is silent");
      return;
    }
    if (!wasThere) this.#log.info({ node, site, version }, "a node has joined the cluster");
    else if (before.boot !== boot) this.#log.info({ node, site, version }, "a node has been restarted");
    if (unanswered >= UNANSWERED_MAX && (before?.unanswered ?? 0) < UNANSWERED_MAX)
      this.#log.warning(
        { node, site },
        "a node does not answer: what is missed of it is fetched from others, and it is asked again later",
      );
    if (state === "catching-up" && before?.state !== "catching-up")
      this.#log.info({ node, site }, "a node is catching up");
    if (state === "live" && before?.state === "catching-up")
      this.#log.info({ node, site }, "a node has caught up");
  }

  /** At most once a minute: when a link is bad, records are missed all the time. */
  #observeMissed(before: ClusterStatus | undefined, { nodes }: ClusterStatus, nowMs: number): void {
    for (const { node, boot, lost } of nodes) {
      const last = before?.nodes.find((each) => each.node === node && each.boot === boot);
      if (last === undefined || lost <= last.lost || !this.#missed.admit(nowMs)) continue;
      this.#log.info({ node, records: lost - last.lost }, "records of a node were missed, and are fetched");
    }
  }
}
