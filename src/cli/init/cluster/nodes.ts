/** The nodes of a cluster, as an operator names them to `btrt init --cluster`. */
import { isIP } from "node:net";
import { quote } from "../../../config/problem.ts";
import { clusterName } from "../../../config/sections/cluster.ts";

/** Nodes of one cluster. docs/cluster.md has the reason. */
const NODES_LIMIT = 64;

/** The site of nodes that name none. */
const SITE = "main";

/** A node. */
export interface ClusterNode {
  readonly name: string;
  /** Where other nodes reach its nats-server: an IP address or a host name. */
  readonly address: string;
  readonly site: string;
}

/** The nodes, and what is wrong with them, one clause each. */
export interface ParsedNodes {
  readonly nodes: readonly ClusterNode[];
  readonly problems: readonly string[];
}

/** Parses `NAME=ADDRESS` or `NAME=ADDRESS@SITE`. */
export function parseNodes(texts: readonly string[]): ParsedNodes {
  const problems: string[] = [];
  const nodes = texts.flatMap((text) => {
    const [, name, address, site = SITE] = /^([^=@]*)=([^@]*?)(?:@(.*))?$/.exec(text) ?? [];
    if (name === undefined) {
      problems.push(`${quote(text)} is not NAME=ADDRESS or NAME=ADDRESS@SITE`);
      return [];
    }
    for (const each of [name, site]) {
      const message = clusterName.safeParse(each).error?.issues[0]?.message;
      if (message !== undefined) problems.push(`${quote(text)}: a name ${message}`);
    }
    if (isIP(address) === 0 && !isHostName(address))
      problems.push(`${quote(text)}: ${quote(address)} is not an IP address or host name`);
    return [{ name, address, site }];
  });
  for (const key of ["name", "address"] as const) problems.push(...duplicates(nodes, key));
  if (texts.length > 0 && texts.length < 2) problems.push("a cluster needs at least two nodes");
  if (texts.length > NODES_LIMIT) problems.push(`a cluster has at most ${NODES_LIMIT} nodes`);
  return { nodes, problems };
}

/** The nodes of a node's own site, without itself. */
export function siteMates(nodes: readonly ClusterNode[], { name, site }: ClusterNode): ClusterNode[] {
  return nodes.filter((each) => each.site === site && each.name !== name);
}

/** The nodes of the site to which the other sites link: the first node's. */
export function hubNodes(nodes: readonly ClusterNode[]): ClusterNode[] {
  return nodes.filter(({ site }) => site === nodes[0].site);
}

/** An address as part of a URL: IPv6 in brackets. */
export function hostOf({ address }: ClusterNode): string {
  return isIP(address) === 6 ? `[${address}]` : address;
}

function duplicates(nodes: readonly ClusterNode[], key: "name" | "address"): string[] {
  const values = nodes.map((node) => node[key]);
  const twice = values.filter((value, i) => values.indexOf(value) !== i);
  return [...new Set(twice)].map((value) => `two nodes have the ${key} ${quote(value)}`);
}

/** A name of labels, at least one of which has a letter: 192.0.2 is a mistake. */
function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /[a-z]/i.test(text) &&
    /^([a-z\d]([a-z\d-]{0,61}[a-z\d])?\.)*[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i.test(text)
  );
}
