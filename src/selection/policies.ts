/** All selection policies. A policy is added here and nowhere else. */
import { BridgedPolicy } from "./bridged.ts";
import { BRIDGED_LIMITS } from "./home-census.ts";
import { NearestPolicy } from "./nearest.ts";
import type { PaceTrial } from "./pace-trial.ts";
import type { SelectionPolicy, SelectionSettings } from "./policy.ts";

export { PATIENCE_MAX } from "./bridged.ts";

/** A policy that an operator can choose. */
interface PolicyKind {
  readonly name: string;
  /** What it does, for the configuration's template. */
  readonly description: string;
  readonly create: (
    settings: SelectionSettings,
    trial: PaceTrial | undefined,
    gatedGroups: Uint8Array | undefined,
  ) => SelectionPolicy;
}

const KINDS = [
  {
    name: "nearest",
    description: "all clients get the nearest peers first.",
    create: (settings) => new NearestPolicy(settings),
  },
  {
    name: "bridged",
    description:
      "in addition, a client gets only as many outside peers as it needs beside the peers at home. Where home has no " +
      "complete copy, outside peers are returned to the few clients that bring a torrent's pieces into the network, and " +
      "to clients that would not finish without them.",
    create: (settings, trial, gatedGroups) => new BridgedPolicy(settings, BRIDGED_LIMITS, trial, gatedGroups),
  },
] as const satisfies readonly PolicyKind[];

/** The name of a policy in the configuration. */
export type PolicyName = (typeof KINDS)[number]["name"];

/** The names of all policies, in the order in which they are described. */
export const POLICY_NAMES: readonly PolicyName[] = KINDS.map(({ name }) => name);

/** What each policy does, for the configuration's template. */
export const POLICY_DESCRIPTIONS = KINDS.map(({ name, description }) => `${name}: ${description}`).join(" ");

/** The choice of a policy and its settings, as they travel to a worker. */
export interface SelectionChoice extends SelectionSettings {
  readonly policy: PolicyName;
}

/**
 * Makes the policy that is chosen.
 * @param trial of the policy `bridged`, if it measures what it costs.
 * @param gatedGroups by group id: 1 where the gate is on; undefined: nowhere.
 */
export function makeSelectionPolicy(
  { policy, ...settings }: SelectionChoice,
  trial?: PaceTrial,
  gatedGroups?: Uint8Array,
): SelectionPolicy {
  const kind: PolicyKind = KINDS[POLICY_NAMES.indexOf(policy)];
  return kind.create(settings, trial, gatedGroups);
}
