/** Sends requests to the admin listener of the running tracker. The configuration has its address. */
import { existsSync } from "node:fs";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { buffer } from "node:stream/consumers";
import { isInstalled } from "../config/config-file.ts";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import { loadSections } from "../config/load-sections.ts";
import { formatProblem } from "../config/problem.ts";
import { formatHostPort } from "../model/address-text.ts";
import { printError } from "./output.ts";

const TIMEOUT_MS = 10_000;

/** The request failed or was refused; the message is for the user. */
export class AdminClientError extends Error {
  /** Whether no tracker listens at the address. */
  readonly isUnreachable: boolean;

  constructor(message: string, isUnreachable = false) {
    super(message);
    this.isUnreachable = isUnreachable;
  }
}

/**
 * Runs a command that queries the tracker. An {@link AdminClientError} is printed.
 * @returns the exit code: that of the command, or 1 if there was an error.
 */
export async function reportingAdminErrors(command: () => Promise<number>): Promise<number> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof AdminClientError)) throw error;
    printError(`btrt: ${error.message}`);
    return 1;
  }
}

/** URL and credentials of an admin listener. */
export interface AdminAddress {
  readonly url: string;
  /** Where the address is from: a file, or a clause about the defaults. */
  readonly source: string;
  readonly token: string | null;
  /** The listener's certificate. It is trusted for any host name. */
  readonly cert: string | null;
}

/**
 * Finds the admin listener of a configuration. Mistakes in its other sections do not matter. Without the installed
 * configuration, it is the listener of a tracker with the defaults.
 * @param configFile undefined for the defaults.
 * @throws AdminClientError
 */
export async function findAdmin(configFile: string | undefined): Promise<AdminAddress> {
  const isAbsent = configFile !== undefined && isInstalled(configFile) && !existsSync(configFile);
  if (configFile === undefined || isAbsent) {
    const loaded = await loadConfig({ defaults: true });
    const source = isAbsent ? `the defaults, as there is no ${configFile}` : "the defaults";
    if (loaded.config !== null) return adminOf(loaded, source);
  }
  const file = configFile ?? "";
  const loaded = await loadSections(file, ["admin"]);
  if (loaded.config === null) throw new AdminClientError(loaded.problems.map(formatProblem).join("\n"));
  return adminOf(loaded, file);
}

/** The admin listener of a loaded configuration. @param source of the configuration, for messages. */
export function adminOf(loaded: LoadedConfig, source: string): AdminAddress {
  const { token, cert } = loaded.adminFiles;
  const { host, port } = loaded.config.admin.listen;
  const local = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  const scheme = cert === null ? "http" : "https";
  return { url: `${scheme}://${formatHostPort({ host: local, port })}/api/v1/`, source, token, cert };
}

/**
 * Requests JSON.
 * @param path below `/api/v1/`, with its query.
 * @throws AdminClientError
 */
export async function askAdmin(admin: AdminAddress, path: string): Promise<unknown> {
  const answer = parseJson((await fetchFromAdmin(admin, path)).toString());
  if (answer === undefined) throw new AdminClientError(`${admin.url}: the reply is not JSON`);
  return answer;
}

/**
 * Requests bytes.
 * @param path below `/api/v1/`, with its query.
 * @param timeoutMs of inactivity.
 * @throws AdminClientError unless the complete reply arrives.
 */
export async function fetchFromAdmin(
  { url, source, token, cert }: AdminAddress,
  path: string,
  timeoutMs: number = TIMEOUT_MS,
): Promise<Buffer> {
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  const { status, body } = await new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
    const options = { headers, agent: false, timeout: timeoutMs } as const;
    const sent =
      cert === null
        ? requestHttp(url + path, options)
        : requestHttps(url + path, { ...options, ca: cert, checkServerIdentity: () => undefined });
    sent.on("response", (response) =>
      buffer(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject),
    );
    sent.on("timeout", () => sent.destroy(new Error("no reply in time")));
    sent.on("error", reject).end();
  }).catch((error: Error & { code?: string }) => {
    const isUnreachable = error.code === "ECONNREFUSED";
    const hint = isUnreachable ? `no tracker replies; is it running with ${source}?` : error.message;
    throw new AdminClientError(`${url}: ${hint}`, isUnreachable);
  });
  if (status === 200) return body;
  const answer = parseJson(body.toString());
  const said = typeof answer === "object" && answer !== null && "error" in answer ? String(answer.error) : "";
  throw new AdminClientError(said || `${url}: HTTP ${status}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
