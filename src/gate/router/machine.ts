/** Names the machine that a follower runs on. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

/** By machine-id(5) of systemd: it stays the same over restarts, and differs from machine to machine. */
const MACHINE_ID = "/etc/machine-id";

/**
 * 16 hexadecimal digits that name the machine, or undefined if it has no machine id. They are a hash: the id itself is
 * confidential.
 */
export async function readMachineName(file = MACHINE_ID): Promise<string | undefined> {
  const id = (await readFile(file, "utf8").catch(() => "")).trim();
  if (!/^[0-9a-f]{32}$/.test(id)) return undefined;
  return createHash("sha256").update(`btrt gate ${id}`).digest("hex").slice(0, 16);
}
