/**
 * Tests of the packages: `npm run test:package`. Builds them, creates a Debian to install them in, and runs the tests
 * in a separate network. As root on Debian. Elsewhere it reports why they cannot run; under CI that is an error.
 */
import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { toolsMissing } from "../support/tools.ts";
import { BUILT, DEBIAN, NEXT, NEXT_VERSION } from "./built.ts";

const SUITE = "bookworm";
/** Packages of a server that the smallest Debian lacks. */
const INCLUDED = ["systemd", "systemd-sysv", "passwd", "libstdc++6", "rpm", "apt"];
const BUILD = fileURLToPath(new URL("../../packaging/build.ts", import.meta.url));
const TESTS = fileURLToPath(new URL("*.test.ts", import.meta.url));

/** Runs a command. @throws Error when it fails. */
function run(program: string, ...args: string[]): Promise<void> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    }
    child.on("error", reject).on("close", (code) => {
      if (code !== 0) return reject(new Error(`${program} ${args.join(" ")}: ${code}\n${said}`));
      console.log(`${((performance.now() - started) / 1000).toFixed(1)} s: ${program} ${args.join(" ")}`);
      resolve();
    });
  });
}

async function prepare(): Promise<void> {
  rmSync(DEBIAN, { recursive: true, force: true });
  for (const directory of [...BUILT, NEXT]) mkdirSync(directory, { recursive: true });
  const build = (...args: string[]) => run(process.execPath, BUILD, ...args);
  await Promise.all([
    run("mmdebstrap", "--quiet", "--variant=essential", `--include=${INCLUDED}`, SUITE, DEBIAN),
    build("--out", BUILT[0]).then(() => build("--out", BUILT[1])),
    build("--out", NEXT, "--version", NEXT_VERSION),
  ]);
}

const missing =
  process.getuid?.() === 0
    ? toolsMissing([
        "rpm",
        "apt-utils",
        "createrepo-c",
        "dnf",
        "gnupg",
        "lintian",
        "mmdebstrap",
        "binutils",
        "systemd-container",
        "mariadb-server",
        "aria2",
      ])
    : "needs root";
if (missing !== false) {
  console.log(`tests of the packages are left out: ${missing}`);
  if (process.env.CI) process.exitCode = 1;
} else {
  await prepare();
  const test = `ip link set lo up && exec "$0" --test --test-concurrency=1 "$1"`;
  const tests = spawn("unshare", ["--net", "sh", "-c", test, process.execPath, TESTS], { stdio: "inherit" });
  tests.on("close", (code) => {
    rmSync(DEBIAN, { recursive: true, force: true });
    process.exitCode = code ?? 1;
  });
}
