/** Checks the cluster: its nats-servers, the credentials, and what the running tracker says of the other nodes. */
import type { NatsConnection } from "@nats-io/transport-node";
import type { ClusterReading } from "../../admin/cluster/cluster-schema.ts";
import { authenticatorFor } from "../../cluster/authenticator.ts";
import type { ClusterSettings } from "../../cluster/settings.ts";
import { clusterSettings } from "../../config/cluster-settings.ts";
import { describeFailure } from "../../platform/failure.ts";
import { type Finding, ok, problem, type Subject, unknown, warning } from "./finding.ts";

/** Timeout of a connection in milliseconds. */
const TIMEOUT_MS = 5000;

/** From this difference of clocks on, one of them is wrong. */
const CLOCK_SECONDS = 10;

/** Returns nothing without a cluster. */
export async function checkCluster({ loaded, running }: Subject): Promise<Finding[]> {
  const settings = clusterSettings(loaded);
  if (settings === undefined) return [];
  const servers = await Promise.all(settings.servers.map((url, i) => checkServer(settings, url, i === 0)));
  const cluster = running?.cluster ?? undefined;
  if (cluster === undefined) return [...servers, unknown("the other nodes: the tracker does not run")];
  return [...servers, ...checkSelf(cluster), ...cluster.nodes.filter(({ isSelf }) => !isSelf).map(checkNode)];
}

/** Connects as the tracker does. Without the first server, the tracker can go on with another. */
async function checkServer(settings: ClusterSettings, url: string, isFirst: boolean): Promise<Finding> {
  const report = isFirst ? problem : warning;
  let connection: NatsConnection;
  try {
    connection = await connectTo(settings, url);
  } catch (error) {
    const { text, remedy } = explain(error, url);
    return report(`${url}: ${text}`, remedy);
  }
  try {
    const refusal = await findRefusal(connection, settings);
    const version = connection.info?.version ?? "";
    if (refusal === undefined) return ok(`${url}: nats-server ${version} accepts this node`);
    return problem(
      `${url}: ${refusal}`,
      `in its configuration, the NKey of cluster.credentials must be the one of ${settings.node}`,
    );
  } finally {
    await connection.close();
  }
}

async function connectTo({ ca, credentials }: ClusterSettings, url: string): Promise<NatsConnection> {
  const nats = await import("@nats-io/transport-node");
  return await nats.connect({
    servers: url,
    reconnect: false,
    timeout: TIMEOUT_MS,
    ...(url.startsWith("tls:") && { tls: ca === null ? {} : { ca } }),
    ...(credentials !== null && { authenticator: authenticatorFor(nats, credentials) }),
  });
}

/**
 * Publishes under this node's name, where only this connection listens.
 * @returns what the server says if that is refused; undefined when the message has come back.
 */
async function findRefusal(
  connection: NatsConnection,
  { name, node }: ClusterSettings,
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(() => resolve("no reply in time"), TIMEOUT_MS);
  void (async () => {
    for await (const status of connection.status())
      if (status.type === "error") resolve(status.error.message);
  })();
  const subject = `btrt1.${name}.${node}.check`;
  connection.subscribe(subject, { callback: (error) => resolve(error?.message) });
  connection.publish(subject);
  const refusal = await promise;
  clearTimeout(timer);
  return refusal;
}

/** Why a connection failed, and what to do. */
function explain(error: unknown, url: string): { text: string; remedy: string } {
  const { message } = describeFailure(error);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
  const text = [message, cause].filter((part) => part !== "").join(": ");
  if (/authorization/i.test(text))
    return {
      text: "the credentials are refused",
      remedy: "its configuration must have the NKey of this node as a user",
    };
  if (/certificate|self.signed|altname|issuer/i.test(text))
    return {
      text: `its certificate is not accepted (${text})`,
      remedy: "cluster.ca_file must be the CA of the server's certificate, which must name this address",
    };
  return { text: `no connection (${text})`, remedy: `check that a nats-server runs and listens at ${url}` };
}

function checkSelf({ node, sameName, refused }: ClusterReading): Finding[] {
  const hasForeign = refused.some(({ reason, count }) => reason === "foreign" && count > 0);
  const twice = problem(
    `another tracker uses the node name ${node}, too`,
    "set another cluster.node on one of them, with credentials of its own",
  );
  const foreign = warning(
    "messages of nodes with another secret were refused",
    "compare cluster.secret_file of all nodes: sha256sum",
  );
  return [
    ...(sameName ? [twice] : [ok(`only this node is called ${node}`)]),
    ...(hasForeign ? [foreign] : []),
  ];
}

function checkNode({ node, site, state, clockOffsetSeconds }: ClusterReading["nodes"][number]): Finding {
  const name = `node ${node}, site ${site}`;
  if (state === "silent") return warning(`${name}: silent`, 'run "btrt doctor" there');
  const seconds = Math.round(Math.abs(clockOffsetSeconds));
  if (seconds <= CLOCK_SECONDS) return ok(`${name}: ${state}`);
  return warning(
    `${name}: its clock is ${seconds} s ${clockOffsetSeconds > 0 ? "ahead of" : "behind"} this one's`,
    "run chrony or systemd-timesyncd on both",
  );
}
