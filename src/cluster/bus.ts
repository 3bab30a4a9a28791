/** What carries messages between nodes, as a node sees it. */
import type { ClusterStatus } from "./status.ts";

/** Sends messages to other nodes. */
export interface Bus {
  readonly isConnected: boolean;
  /** Sends a message. The bus owns the bytes. */
  publish(subject: string, bytes: Uint8Array): "sent" | "disconnected" | "slow";
}

/** What the connection reports, as part of {@link ClusterStatus}. */
export type BusStatus = Pick<
  ClusterStatus,
  "connected" | "server" | "serverVersion" | "reconnects" | "lastError" | "roundTripMs"
>;
