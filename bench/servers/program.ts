/** Trackers of other projects. They are not part of this one: each takes part if its program is in the path. */
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { isProgram } from "../../test/support/tools.ts";
import type { Place } from "./server.ts";

/** @returns whether a program is in the path. If it is not, says so. @param source how to get it. */
export function hasProgram(program: string, source: string): boolean {
  if (isProgram(program)) return true;
  console.log(`not measured: ${program} not found in the path (${source})`);
  return false;
}

/** Writes a configuration for a server. @returns its path. */
export function writeConfiguration({ directory }: Place, name: string, lines: readonly string[]): string {
  const file = join(directory, name);
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

/** Whether somebody accepts TCP connections at a port of 127.0.0.1. */
export function isListening(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: "127.0.0.1", port });
  socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
