/** The secret of UDP connection ids (services/connection-ids.ts). */
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readWord } from "../model/address.ts";
import { CONNECTION_SECRET_WORDS } from "../services/connection-ids.ts";

const BYTES = CONNECTION_SECRET_WORDS * 4;

/**
 * Makes a secret, or reads that of the previous process, so that connection ids stay valid across a restart. The file
 * is in systemd's RuntimeDirectory=: only this user can read it, and it is removed when the service stops.
 * @param environment has RUNTIME_DIRECTORY; without it, the secret is not kept.
 */
export function readConnectionSecret(environment: Readonly<Record<string, string | undefined>>): number[] {
  const [directory] = environment.RUNTIME_DIRECTORY?.split(":") ?? [];
  const file = directory === undefined ? undefined : join(directory, "connection-secret");
  const kept = file === undefined ? undefined : readKept(file);
  const secret = kept ?? randomBytes(BYTES);
  if (kept === undefined && file !== undefined) keep(file, secret);
  return Array.from({ length: CONNECTION_SECRET_WORDS }, (_, i) => readWord(secret, i * 4));
}

function readKept(file: string): Uint8Array | undefined {
  try {
    const bytes = readFileSync(file);
    return bytes.length === BYTES ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** Failures are ignored: clients request new ids after a restart then. */
function keep(file: string, secret: Uint8Array): void {
  try {
    rmSync(file, { force: true });
    writeFileSync(file, secret, { mode: 0o600, flag: "wx" });
  } catch {}
}
