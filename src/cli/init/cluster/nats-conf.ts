/** The configuration of the nats-server beside each node of a cluster. */
import { type ClusterNode, hostOf, hubNodes, siteMates } from "./nodes.ts";

/** The ports of a nats-server. */
export interface NatsPorts {
  /** For trackers. */
  readonly clients: number;
  /** For the other servers of the site. */
  readonly routes: number;
  /** For the servers of other sites. */
  readonly leaves: number;
}

/** The usual ports. */
export const NATS_PORTS: NatsPorts = { clients: 4222, routes: 6222, leaves: 7422 };

/** All that the servers of a cluster have in common. */
export interface NatsCluster {
  /** `cluster.name` of the trackers. */
  readonly name: string;
  readonly nodes: readonly ClusterNode[];
  /** The public NKeys of the nodes, by name. */
  readonly publicKeys: ReadonlyMap<string, string>;
  /** With which servers of other sites log in at the first site. */
  readonly leafPassword: string;
  /** The ports of each node's server. */
  readonly portsOf: (node: ClusterNode) => NatsPorts;
  /** The directory of the certificates on each machine. */
  readonly certificates: (node: ClusterNode) => string;
}

/** The user name of leaf links. Its password is the same for all sites. */
const LEAF_USER = "leaf";

/** The text of a node's file. */
export function natsConf(cluster: NatsCluster, node: ClusterNode): string {
  const ports = cluster.portsOf(node);
  const blocks = [
    `# The nats-server beside the tracker ${node.name}. Written by "btrt init --cluster".
server_name: "btrt-${node.name}"
listen: "${listenAddress(node)}:${ports.clients}"
# A connection that does not read for this long is closed. The tracker connects again.
write_deadline: "5s"
# A link that is dead is given up after six seconds, and made again. TCP alone would try again more and more rarely.
ping_interval: "2s"
ping_max: 2`,
    `# Trackers verify the server's certificate. Their NKeys say who they are.
tls ${tlsBlock(cluster, node, false)}`,
    usersBlock(cluster),
    routesBlock(cluster, node),
    leavesBlock(cluster, node),
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

/**
 * Each node may publish only what begins with its own name: the receivers rely on it. It hears the heartbeats of nodes
 * with another major version, so that it can tell of them.
 */
function usersBlock({ name, nodes, publicKeys }: NatsCluster): string {
  const users = nodes.map(
    (node) => `    # ${node.name}
    {
      nkey: "${publicKeys.get(node.name)}"
      permissions: { publish: ["btrt1.${name}.${node.name}.>"], subscribe: ["btrt1.${name}.>", "*.${name}.*.beat"] }
    }`,
  );
  return `# Each tracker may publish only under its own name.
authorization {
  users: [
${users.join("\n")}
  ]
}`;
}

/**
 * The links to the other servers of the site. Both ends verify the other's certificate.
 *
 * Servers detect loops of leaf links by a subscription below $LDS, which comes back in a loop. Many versions (2.9.10,
 * 2.10.0) tell a server that joins the site of it without saying whose it is. When a link breaks and is made again with that
 * server, before the first one has seen it end, they take it for a loop, and make no link for 30 seconds. There can be
 * no loop here, because only the first site accepts links. So it is not passed on.
 */
function routesBlock(cluster: NatsCluster, node: ClusterNode): string {
  const mates = siteMates(cluster.nodes, node);
  if (mates.length === 0) return "";
  const routes = mates.map((mate) => `    "nats://${hostOf(mate)}:${cluster.portsOf(mate).routes}"`);
  return `# The other servers of the site.
cluster {
  name: "btrt-${node.site}"
  listen: "${listenAddress(node)}:${cluster.portsOf(node).routes}"
  no_advertise: true
  tls ${tlsBlock(cluster, node, true, "  ")}${loopsBlock(cluster.nodes)}
  routes: [
${routes.join("\n")}
  ]
}`;
}

function loopsBlock(nodes: readonly ClusterNode[]): string {
  if (hubNodes(nodes).length === nodes.length) return "";
  return `
  # Otherwise servers may take a leaf link that is made again for a loop, and wait for 30 seconds.
  permissions: { import: { deny: "$LDS.>" }, export: { deny: "$LDS.>" } }`;
}

/** The first site accepts leaf links, and the servers of the others make them. */
function leavesBlock(cluster: NatsCluster, node: ClusterNode): string {
  const hub = hubNodes(cluster.nodes);
  if (hub.length === cluster.nodes.length) return "";
  const verified = tlsBlock(cluster, node, true, "  ");
  if (node.site === hub[0].site)
    return `# Servers of other sites link to this one. Without no_advertise they would try addresses that they cannot reach.
leafnodes {
  listen: "${listenAddress(node)}:${cluster.portsOf(node).leaves}"
  no_advertise: true
  authorization { user: "${LEAF_USER}", password: "${cluster.leafPassword}" }
  tls ${verified}
}`;
  const urls = hub.map(
    (each) =>
      `"nats-leaf://${LEAF_USER}:${cluster.leafPassword}@${hostOf(each)}:${cluster.portsOf(each).leaves}"`,
  );
  return `# The link to the site ${hub[0].site}.
leafnodes {
  reconnect: 1
  remotes: [
    {
      urls: [${urls.join(", ")}]
      tls ${tlsBlock(cluster, node, false, "      ")}
    }
  ]
}`;
}

function tlsBlock(cluster: NatsCluster, node: ClusterNode, verify: boolean, indent = ""): string {
  const directory = cluster.certificates(node);
  const lines = [
    `cert_file: "${directory}/server.pem"`,
    `key_file: "${directory}/server.key"`,
    `ca_file: "${directory}/ca.pem"`,
    ...(verify ? ["verify: true"] : []),
    // Twice the default is enough for a machine that is short of processor time.
    "timeout: 5",
  ];
  return `{\n${lines.map((line) => `${indent}  ${line}`).join("\n")}\n${indent}}`;
}

/** Every address of the family at which the others reach it. A name may have both families. */
function listenAddress({ address }: ClusterNode): string {
  return /^[\d.]+$/.test(address) ? "0.0.0.0" : "[::]";
}
