/** The connection of a node of the next minor version: it changes what this version sends. */
import { type BusListener, NatsBus as PresentBus } from "../../../src/cluster/nats-bus.ts";
import type { ClusterSettings } from "../../../src/cluster/settings.ts";
import { nextMinor } from "./messages.ts";

/** In place of that of src/cluster/nats-bus.ts (preload.ts). */
export class NatsBus extends PresentBus {
  readonly #cluster: string;

  constructor(settings: ClusterSettings, listener: BusListener) {
    super(settings, listener);
    this.#cluster = settings.name;
  }

  override publish(subject: string, bytes: Uint8Array): "sent" | "disconnected" | "slow" {
    const [first, ...further] = nextMinor(this.#cluster, subject, bytes);
    const outcome = super.publish(first.subject, first.bytes);
    for (const each of further) super.publish(each.subject, each.bytes);
    return outcome;
  }
}
