/** Networks and clients that scenarios have in common. */
import type { Crew, NetworkPlan } from "./scenario.ts";

/** Mbit/s of the link of a home. */
export const UPLINK_MBIT = 10;
/** It has the file, and is there first. */
export const SEEDER: Crew = { clients: 1, seed: true };
/** As many as there are bridges. They arrive first, so they are the bridges at the start. */
export const FIRST = { clients: 2, arrive: [0, 0.2] } as const;
/** Everybody else. */
export const THE_OTHERS = { arrive: [1, 2] } as const;

/** A network in a peer group of the nearest priority. */
export function home(name: string, ...crews: readonly Crew[]): NetworkPlan {
  return { name, priority: 0, uplinkMbit: UPLINK_MBIT, crews };
}

/** A network in no peer group, with a wide link. */
export function outside(...crews: readonly Crew[]): NetworkPlan {
  return { name: "outside", crews };
}

/** Three operators' networks with the same crews. */
export function threeHomes(...crews: readonly Crew[]): NetworkPlan[] {
  return ["home1", "home2", "home3"].map((name) => home(name, ...crews));
}

/** Three operators whose traffic between each other costs as much as any other. */
export const EACH_A_HOME = { selection: { home: "group" } } as const;
