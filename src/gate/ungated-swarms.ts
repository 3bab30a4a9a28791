/**
 * The swarms that are announced to upstream trackers which are ignored (`forwarded_announce.trackers`): these may keep
 * accounts, and their members need the outside.
 */
import { infoHashBytes } from "../model/info-hash.ts";

/** Swarms that are remembered. Beyond that, the one that was announced longest ago is forgotten. */
const UNGATED_MAX = 65_536;

/** The swarms of one gate. */
export class UngatedSwarms {
  readonly #swarms = new Set<string>();

  /** Adds a swarm. @param infoHash its bytes. */
  add(infoHash: Uint8Array): void {
    const key = Buffer.from(infoHash).toString("latin1");
    this.#swarms.delete(key);
    this.#swarms.add(key);
    if (this.#swarms.size <= UNGATED_MAX) return;
    const [oldest] = this.#swarms;
    this.#swarms.delete(oldest);
  }

  /** Whether a swarm may be gated. @param infoHash its words. */
  allows(infoHash: Uint32Array): boolean {
    if (this.#swarms.size === 0) return true;
    return !this.#swarms.has(Buffer.from(infoHashBytes(infoHash)).toString("latin1"));
  }
}
