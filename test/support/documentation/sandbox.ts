/**
 * A machine for running the blocks of a page: this one, with separate processes, network and directories. Changes that
 * the page makes to /etc, ports or processes end with it.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bed } from "../bed.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const MAIN = join(ROOT, "src/main.ts");
const PATIENCE_SECONDS = 100;

/** Directories that are empty at first, and subdirectories that packages would have made. */
const EMPTY = ["/var/lib", "/var/log", "/var/cache", "/run"];
const MADE = [
  "/etc/btrt",
  "/var/lib/btrt",
  "/var/log/btrt",
  "/var/lib/unbound",
  "/var/lib/nginx",
  "/var/log/nginx",
  "/var/cache/bind",
  "/run/mysqld",
];

/** The result of one step. */
export interface Outcome {
  readonly code: number;
  readonly output: string;
}

/**
 * Runs shell scripts, one after the other. Programs that they leave running continue until the last script has ended.
 */
export async function runInSandbox(bed: Bed, scripts: readonly string[]): Promise<Outcome[]> {
  const steps = bed.path("steps");
  mkdirSync(join(bed.directory, "bin"), { recursive: true });
  mkdirSync(steps, { recursive: true });
  writeFileSync(bed.path("bin/btrt"), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(bed.path("bin/btrt"), 0o755);
  for (const [i, script] of scripts.entries()) writeFileSync(join(steps, `${i}.sh`), script);
  writeFileSync(bed.path("main.sh"), mainScript(bed.directory, scripts.length));
  const unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const running = bed.run([...unshare, "bash", "-e", bed.path("main.sh")]);
  const end = await running.ended;
  if (end !== 0) throw new Error(`the sandbox: ${end}: ${running.stdout}${running.stderr}`);
  return scripts.map((_, i) => ({
    code: Number(readFileSync(join(steps, `${i}.code`), "utf8")),
    output: readFileSync(join(steps, `${i}.out`), "utf8"),
  }));
}

function mainScript(directory: string, steps: number): string {
  return `
cp -a /etc '${directory}/etc'
mount --bind '${directory}/etc' /etc
for directory in ${EMPTY.join(" ")}; do mount -t tmpfs tmpfs $directory; done
mkdir -p ${MADE.join(" ")}
ip link set lo up
export PATH='${directory}/bin:${dirname(process.execPath)}':/usr/sbin:/sbin:$PATH
export HOME='${directory}' BTRT='${ROOT}'
mkdir '${directory}/work'; cd '${directory}/work'
for step in $(seq 0 ${steps - 1}); do
  code=0
  timeout ${PATIENCE_SECONDS} bash '${directory}/steps/'$step.sh > '${directory}/steps/'$step.out 2>&1 < /dev/null || code=$?
  echo $code > '${directory}/steps/'$step.code
done
`;
}
