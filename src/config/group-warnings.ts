/** Finds peer groups that are valid but probably not what was meant. */
import { Address } from "../model/address.ts";
import type { PeerGroupDefinition } from "../network/peer-groups.ts";
import { formatPrefix, type Prefix } from "../network/prefix.ts";
import { isPrivate } from "../network/special-purpose.ts";
import { quote } from "./problem.ts";

/** With more prefixes than this, groups are not compared: it would take seconds at every reload. */
const COMPARED_LIMIT = 500_000;

/** Returns the warnings of each group, in the order of the groups. */
export function groupWarnings(groups: readonly PeerGroupDefinition[]): string[][] {
  const shared = sharedPrefixes(groups);
  return groups.map((group, i) => [
    ...(group.prefixes.length === 0 ? ["has no prefixes: no address is in this group"] : []),
    ...shared[i],
    ...unreachable(group, groups),
  ]);
}

/** A prefix of several groups belongs to the nearest of them, then to the first: see `buildPeerGroups`. */
function sharedPrefixes(groups: readonly PeerGroupDefinition[]): string[][] {
  const warnings: string[][] = groups.map(() => []);
  if (groups.reduce((sum, { prefixes }) => sum + prefixes.length, 0) > COMPARED_LIMIT) return warnings;
  const ownerOf = new Map<string, number>();
  const nearestFirst = [...groups.keys()].sort((a, b) => groups[a].priority - groups[b].priority);
  for (const group of nearestFirst) {
    const lost = new Map<number, Set<string>>();
    for (const prefix of groups[group].prefixes) {
      const text = formatPrefix(prefix);
      const owner = ownerOf.get(text);
      if (owner === undefined) ownerOf.set(text, group);
      else if (owner !== group) lost.set(owner, (lost.get(owner) ?? new Set()).add(text));
    }
    for (const [owner, prefixes] of lost) {
      const reason = groups[owner].priority < groups[group].priority ? "nearer" : "listed first";
      warnings[group].push(explainShared([...prefixes], groups[owner].name, reason));
    }
  }
  return warnings;
}

function explainShared([first, ...more]: readonly string[], owner: string, reason: string): string {
  const why = `because it is ${reason}`;
  if (more.length === 0) return `${first} is also in ${quote(owner)}, which has it ${why}`;
  const rest = more.length === 1 ? "another prefix" : `${more.length} more prefixes`;
  return `${first} and ${rest} are also in ${quote(owner)}, which has them ${why}`;
}

/** Groups behind one NAT often share a priority, and then need each other in `reachable_from`. */
function unreachable(group: PeerGroupDefinition, groups: readonly PeerGroupDefinition[]): string[] {
  if (!group.prefixes.some(isPrivatePrefix)) return [];
  const hidden = groups
    .filter((other) => other !== group && other.priority === group.priority)
    .filter(({ name, prefixes }) => prefixes.some(isPrivatePrefix) && !group.reachableFrom.includes(name))
    .map(({ name }) => quote(name));
  if (hidden.length === 0) return [];
  const all = [...group.reachableFrom.map(quote), ...hidden].join(", ");
  return [
    `its private addresses are not returned to clients of ${hidden.join(" and ")}, which have the same priority, ` +
      `and do not count for the hash list; if these clients can reach them, add reachable_from: [${all}]`,
  ];
}

function isPrivatePrefix({ family, words }: Prefix): boolean {
  const address = new Address();
  if (family === 4) address.setIPv4(words[0]);
  else address.setIPv6(...words);
  return isPrivate(address);
}
