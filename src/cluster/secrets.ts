/**
 * Secrets that all nodes of a cluster derive from the same `secret_file` (HKDF, RFC 5869), one for each purpose:
 *
 * - the key of the store's hashes, so that a client has the same identity on all nodes (store/client-identity.ts);
 * - the secret of UDP connection ids, so that a client may use an id at another node when its own is gone;
 * - the mark of the cluster, which every message begins with. It tells a foreign cluster apart; it signs nothing.
 */
import { hkdfSync } from "node:crypto";
import { readWord } from "../model/address.ts";
import { CONNECTION_SECRET_WORDS } from "../services/connection-ids.ts";
import type { ClusterSettings } from "./settings.ts";

/** Bytes of the mark of a cluster. */
export const MARK_BYTES = 8;

/** What a node derives. */
export interface ClusterSecrets {
  readonly hashKey: readonly [number, number];
  readonly connectionSecret: readonly number[];
  readonly mark: Uint8Array;
}

/** Derives the secrets of a cluster. */
export function deriveSecrets({ name, secret }: Pick<ClusterSettings, "name" | "secret">): ClusterSecrets {
  const derive = (purpose: string, length: number) =>
    new Uint8Array(hkdfSync("sha256", secret, "btrt cluster", `${purpose}\0${name}`, length));
  const words = (purpose: string, count: number) => {
    const bytes = derive(purpose, count * 4);
    return Array.from({ length: count }, (_, i) => readWord(bytes, i * 4));
  };
  const [key0, key1] = words("hash key", 2);
  return {
    hashKey: [key0, key1],
    connectionSecret: words("connection ids", CONNECTION_SECRET_WORDS),
    mark: derive("mark", MARK_BYTES),
  };
}
