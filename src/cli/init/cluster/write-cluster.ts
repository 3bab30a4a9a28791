/** Writes the files of all nodes of a cluster: a directory for each, which its machine gets. */
import { createHmac, randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { dirname, join } from "node:path";
import { dnsLines } from "../../dns-lines.ts";
import type { Answers } from "../answers.ts";
import { configText } from "../config-text.ts";
import { NATS_PORTS, type NatsCluster, natsConf } from "./nats-conf.ts";
import { type ClusterNode, hostOf, parseNodes, siteMates } from "./nodes.ts";
import { certificatesScript, installScript } from "./scripts.ts";

/** `cluster.name` of the trackers. */
const NAME = "btrt";

/** Where the server's certificates are on each machine. */
const NATS_DIRECTORY = "/etc/nats";

/** Bytes of the secret: twice as many as an attacker could try. */
const SECRET_BYTES = 32;

/**
 * Writes the files. The secret and the keys that are there are kept, so that it can be run again with one more node.
 * @param answers that are valid.
 * @returns the nodes.
 * @throws the system's error.
 */
export async function writeCluster(answers: Answers, configFile: string): Promise<readonly ClusterNode[]> {
  const { nodes } = parseNodes(answers.cluster);
  const { directory } = answers;
  const secret = await existingOr(join(directory, "cluster_secret"), () =>
    randomBytes(SECRET_BYTES).toString("hex"),
  );
  const keys = await nodeKeys(directory, nodes);
  const cluster: NatsCluster = {
    name: NAME,
    nodes,
    publicKeys: new Map(keys.map(({ name, publicKey }) => [name, publicKey])),
    leafPassword: createHmac("sha256", secret).update("leaf links").digest("hex").slice(0, 32),
    portsOf: () => NATS_PORTS,
    certificates: () => NATS_DIRECTORY,
  };
  for (const node of nodes) {
    const own = join(directory, node.name);
    await mkdir(own, { recursive: true, mode: 0o700 });
    const seed = keys.find(({ name }) => name === node.name)?.seed ?? "";
    const etc = dirname(configFile);
    await writePrivate(own, {
      "btrt.conf": configText(answers, configFile, clusterSection(cluster, node, etc)),
      "nats-server.conf": natsConf(cluster, node),
      "install.sh": installScript(node, etc, NATS_DIRECTORY),
      cluster_secret: `${secret}\n`,
      cluster_nkey: `${seed}\n`,
    });
  }
  await writePrivate(directory, {
    cluster_secret: `${secret}\n`,
    "certificates.sh": certificatesScript(nodes),
  });
  return nodes;
}

/** Tells what was written, and what to do with it. @param given the addresses that the operator has named. */
export function describeCluster(
  { directory, name, address }: Answers,
  nodes: readonly ClusterNode[],
  given: readonly string[],
): string {
  const own = nodes.map((node) => node.address).filter((each) => isIP(each) !== 0);
  const addresses = given.length > 0 || own.length === 0 ? address : own;
  const lines = [
    `${directory}: written`,
    "",
    "Add to your subscribers' DNS, in the format of its server:",
    "",
    ...dnsLines(name, addresses).map((line) => `  ${line}`),
    "",
    "Make the certificates:",
    "",
    `  sh ${directory}/certificates.sh`,
    "",
    "Install btrt and nats-server on each node. Then copy its directory there, and on the node, as root:",
    "",
    ...nodes.map((node) => `  scp -r ${join(directory, node.name)} root@${hostOf(node)}:btrt-node`),
    "  sh btrt-node/install.sh && systemctl restart nats-server btrt && btrt doctor",
    "",
    `${directory} has the keys of all nodes: keep it where no subscriber can read it.`,
  ];
  return `${lines.join("\n")}\n`;
}

/** The section of a node's configuration. Its own server comes first. */
function clusterSection(cluster: NatsCluster, node: ClusterNode, directory: string) {
  const others = siteMates(cluster.nodes, node).map(
    (mate) => `tls://${hostOf(mate)}:${cluster.portsOf(mate).clients}`,
  );
  return {
    node: node.name,
    site: node.site,
    servers: [`tls://127.0.0.1:${cluster.portsOf(node).clients}`, ...others],
    secret_file: join(directory, "cluster_secret"),
    credentials: join(directory, "cluster_nkey"),
    ca_file: join(directory, "cluster_ca.pem"),
  };
}

/** A seed for each node, and its public key. */
async function nodeKeys(directory: string, nodes: readonly ClusterNode[]) {
  const { nkeys } = await import("@nats-io/transport-node");
  const text = (seed: Uint8Array) => new TextDecoder().decode(seed);
  return await Promise.all(
    nodes.map(async ({ name }) => {
      const file = join(directory, name, "cluster_nkey");
      const seed = await existingOr(file, () => text(nkeys.createUser().getSeed()));
      const publicKey = nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();
      return { name, seed, publicKey };
    }),
  );
}

/** The first line of a file, or what is made because the file does not exist. */
async function existingOr(file: string, make: () => string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).split("\n")[0].trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return make();
    throw error;
  }
}

/** Writes files that only this user can read. */
async function writePrivate(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = join(directory, name);
    await writeFile(file, text, { mode: 0o600 });
    await chmod(file, 0o600);
  }
}
