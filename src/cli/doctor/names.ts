/** Checks that the tracker's names resolve to this machine, and imply a port where it listens. */
import { Resolver } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { dnsLines } from "../dns-lines.ts";
import { type Finding, ok, problem, type Subject, unknown, warning } from "./finding.ts";

const TIMEOUT_MS = 3000;
const HTTP_PORT = 80;

/** Replies: the name does not exist, or has no address of this family. */
const NO_ADDRESS = ["ENOTFOUND", "ENODATA"];

/** Returns a finding for each name, and one for the implied port. */
export async function checkNames({ loaded, names, resolver: server }: Subject): Promise<Finding[]> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 1 });
  if (server !== undefined) resolver.setServers([server]);
  const found = await Promise.all(names.map((name) => checkName(name, resolver)));
  if (loaded.config.listen.http.some(({ port }) => port === HTTP_PORT)) return found;
  const text = `http://${names[0]}/announce means port ${HTTP_PORT}, which is not in listen.http`;
  return [...found, warning(text, `listen.http: ["[::]:${HTTP_PORT}"]`)];
}

async function checkName(name: string, resolver: Resolver): Promise<Finding> {
  const servers = resolver.getServers().join(", ") || "no resolver";
  try {
    const addresses = await resolve(name, resolver);
    if (addresses.length === 0) {
      return problem(`${name}: ${servers} has no such name`, add(name));
    }
    const own = ownAddresses();
    const text = `${name} resolves to ${addresses.join(", ")}`;
    if (addresses.some((address) => own.includes(address))) return ok(text);
    return warning(
      `${text}: not an address of this machine`,
      `unless it is forwarded to this machine: ${add(name)}`,
    );
  } catch (error) {
    return unknown(`${name}: ${servers} does not reply (${error instanceof Error ? error.message : error})`);
  }
}

/** Resolves both families. @throws Error if no query succeeded, other than with a negative reply. */
async function resolve(name: string, resolver: Resolver): Promise<string[]> {
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  const failed = answers.find((answer) => answer.status === "rejected" && !saysNone(answer.reason));
  if (addresses.length === 0 && failed?.status === "rejected") throw failed.reason;
  return addresses;
}

function saysNone(error: unknown): boolean {
  return error instanceof Error && "code" in error && NO_ADDRESS.includes(String(error.code));
}

/** All addresses of this machine, in the form that resolvers return. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}

function add(name: string): string {
  const [reachable] = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ internal, family }) => !internal && family === "IPv4");
  return ["add to your subscribers' DNS:", ...dnsLines([name], [reachable?.address ?? "ADDRESS"])].join("\n");
}
