/**
 * The servers of `btrt init --cluster`, with its TLS, NKeys and permissions. Each listens on an address of the loopback of
 * its own, with the usual ports.
 */
import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bed, until } from "./bed.ts";
import { type NatsPlace, NatsServer } from "./nats.ts";
import type { Tool } from "./tools.ts";

/** The packages that these tests need. */
export const SECURED_NATS_TOOLS: readonly Tool[] = ["nats-server", "openssl"];

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const CLIENT_PORT = 4222;

/** A node's server, and what its tracker needs. */
export interface SecuredNode {
  readonly name: string;
  readonly server: NatsServer;
  /** The address at which the server listens. */
  readonly address: string;
  /** The node's directory, which `btrt init` has written. */
  readonly directory: string;
  /** The texts of its files. */
  readonly seed: string;
  readonly ca: string;
  readonly secret: string;
  /** The tracker's files, as keys of the section `cluster`. */
  readonly files: { readonly secret_file: string; readonly ca_file: string; readonly credentials: string };
}

/** The section `cluster` of a node's configuration, as YAML in one line. @param changes other values of its keys. */
export function clusterSection({ name, server, files }: SecuredNode, changes: object = {}): string {
  return `cluster: ${JSON.stringify({ node: name, servers: [server.tlsUrl], ...files, ...changes })}`;
}

/**
 * Starts the servers of these nodes, given as `NAME` or `NAME@SITE`. The first site's accept leaf links.
 * @param places where they run, if not on the loopback.
 */
export async function startSecuredNats(
  bed: Bed,
  nodes: readonly string[],
  places?: readonly NatsPlace[],
): Promise<SecuredNode[]> {
  const directory = bed.path("cluster");
  const net = `127.${randomInt(1, 255)}.${randomInt(0, 255)}`;
  const named = nodes.map((node, i) => ({
    name: node.replace(/@.*/, ""),
    site: node,
    place: places?.[i] ?? { host: `${net}.${i + 1}` },
  }));
  const specs = named.map(({ name, site, place }) => `${name}=${place.host}${site.replace(/^[^@]*/, "")}`);
  const init = [MAIN, "init", "--local", "127.0.0.0/8", "--directory", directory, "--cluster", ...specs];
  execFileSync(process.execPath, init, { stdio: "pipe" });
  execFileSync("sh", [join(directory, "certificates.sh")], { stdio: "pipe" });
  const secured = await Promise.all(
    named.map(async ({ name, place }): Promise<SecuredNode> => {
      const address = place.host;
      const own = join(directory, name);
      const text = (file: string) => readFile(join(own, file), "utf8");
      const server = new NatsServer(bed, name, CLIENT_PORT, place);
      // One machine has all of them here.
      const conf = (await text("nats-server.conf"))
        .replaceAll("0.0.0.0", address)
        .replaceAll("/etc/nats", own);
      await server.configure(conf);
      const files = {
        secret_file: `${own}/cluster_secret`,
        ca_file: `${own}/ca.pem`,
        credentials: `${own}/cluster_nkey`,
      };
      return {
        name,
        server,
        address,
        directory: own,
        seed: (await text("cluster_nkey")).trim(),
        ca: await text("ca.pem"),
        secret: (await text("cluster_secret")).trim(),
        files,
      };
    }),
  );
  await Promise.all(secured.map(({ server }) => server.start()));
  for (const { server } of secured) {
    const routes = (await readFile(server.configPath, "utf8")).match(/nats:\/\//g)?.length ?? 0;
    await until(`the routes of ${server.name}`, () => {
      return (server.log.match(/Route connection created/g)?.length ?? 0) >= routes;
    });
    if ((await readFile(server.configPath, "utf8")).includes("remotes:"))
      await until(`the leaf link of ${server.name}`, () =>
        server.log.includes("Leafnode connection created"),
      );
  }
  return secured;
}
