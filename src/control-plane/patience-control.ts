/**
 * Keeps `selection.patience`: compares the downloads that the policy `bridged` limits with those of the control group
 * (selection/pace-trial.ts), and changes the demand for outside peers when both groups have enough downloads.
 */
import type { Panel } from "../admin/panel.ts";
import { patiencePanel, type ShownPatience } from "../admin/panels/patience-panel.ts";
import type { PolicyData } from "../data-plane/protocol.ts";
import { PACE_CLASSES, PACE_GROUP } from "../selection/pace-trial.ts";
import { downloadsOf, nextDemand, slowdownOf } from "../selection/slowdown.ts";
import type { Component } from "./lifecycle.ts";

/** What the workers count, and the factor that they read. */
interface SharedTrial {
  readonly paceCounts: readonly Float64Array[];
  readonly demand: Float64Array;
}

/** Compares the two groups. */
export class PatienceControl implements Component {
  readonly panel: Panel;
  readonly #shared: SharedTrial;
  /** The sums of the workers' counts at the last change. */
  readonly #before = new Float64Array(2 * PACE_CLASSES);
  #policy: PolicyData;
  #measured: number | null = null;

  constructor(shared: SharedTrial, policy: PolicyData) {
    this.#shared = shared;
    this.#policy = policy;
    this.panel = patiencePanel(() => this.read());
  }

  adopt(_: unknown, policy: PolicyData): void {
    this.#policy = policy;
  }

  /** Changes the demand if there are enough downloads since the last change. To be called every minute. */
  check(): void {
    const counts = this.#countsSinceChange();
    const slowdown = slowdownOf(counts);
    if (slowdown === undefined) return;
    const { demand } = this.#shared;
    demand[0] = nextDemand(demand[0], slowdown, this.#policy.selection.patience);
    this.#measured = slowdown;
    for (const [i, count] of counts.entries()) this.#before[i] += count;
  }

  #countsSinceChange(): Float64Array {
    return this.#before.map((before, i) =>
      this.#shared.paceCounts.reduce((sum, counts) => sum + counts[i], -before),
    );
  }

  /** What is shown; null if the policy limits nothing. */
  read(): ShownPatience {
    const { policy, patience } = this.#policy.selection;
    if (policy !== "bridged") return null;
    const counts = this.#countsSinceChange();
    return {
      wanted: patience,
      measured: this.#measured,
      demand: this.#shared.demand[0],
      limited: downloadsOf(counts, PACE_GROUP.limited),
      control: downloadsOf(counts, PACE_GROUP.control),
    };
  }
}
