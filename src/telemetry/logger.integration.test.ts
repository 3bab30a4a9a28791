import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { LOG_LEVELS } from "../model/log-level.ts";
import { type LoggerOptions, openLogger } from "./logger.ts";

const OPTIONS: LoggerOptions = {
  level: "info",
  switchTime: "01:00:00",
  keepDays: 30,
  maskAddresses: false,
  now: () => new Date("2026-05-10T12:00:00.123Z"),
  complain: (problem) => assert.fail(problem),
};

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "btrt-log-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

function linesIn(path: string): unknown[] {
  return linesOf(readFileSync(join(path, "btrt.log"), "utf8"));
}

function linesOf(written: string): unknown[] {
  return written
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** Runs a program that has `log`, which logs to standard output. */
async function run(program: string): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const module = JSON.stringify(new URL("./logger.ts", import.meta.url).href);
  const opened = `openLogger({ level: "info", switchTime: "01:00:00", keepDays: 30, maskAddresses: false })`;
  const source = `import { openLogger } from ${module}; const log = ${opened}; ${program}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}

test("a line has its time, level and message; fields and errors go with it", async (t) => {
  const path = await directory(t);
  const log = openLogger({ ...OPTIONS, path });
  log.info("100% of %s");
  log.error({ address: "192.0.2.7", err: new TypeError("odd"), port: 6881 }, "it failed");
  await log.close();
  const [first, second] = linesIn(path);
  assert.deepEqual(first, { level: "info", time: "2026-05-10T12:00:00.123Z", msg: "100% of %s" });
  assert.ok(typeof second === "object" && second !== null && "err" in second);
  const { err, ...others } = second;
  assert.deepEqual(others, {
    level: "error",
    time: "2026-05-10T12:00:00.123Z",
    address: "192.0.2.7",
    port: 6881,
    msg: "it failed",
  });
  assert.match(JSON.stringify(err), /"type":"TypeError","message":"odd","stack":"/);
});

test("a level lets itself and the more severe ones through, and can be changed", async (t) => {
  for (const [index, level] of LOG_LEVELS.entries()) {
    const path = await directory(t);
    const log = openLogger({ ...OPTIONS, path, level: "critical" });
    log.setLevel(level);
    for (const each of LOG_LEVELS) log[each](each);
    await log.close();
    assert.deepEqual(
      linesIn(path).map((line) => (line as { level: string }).level),
      LOG_LEVELS.slice(0, index + 1),
    );
  }
});

test("addresses are masked when asked for", async (t) => {
  const path = await directory(t);
  const log = openLogger({ ...OPTIONS, path, maskAddresses: true });
  log.info({ address: "192.0.2.7", other: "192.0.2.7" }, "announced");
  log.info({ address: 7 }, "odd");
  await log.close();
  const time = "2026-05-10T12:00:00.123Z";
  assert.deepEqual(linesIn(path), [
    { level: "info", time, address: "192.0.2.x", other: "192.0.2.7", msg: "announced" },
    { level: "info", time, address: 7, msg: "odd" },
  ]);
});

test("logging after close is no error", async (t) => {
  const path = await directory(t);
  const log = openLogger({ ...OPTIONS, path });
  await log.close();
  log.info("late");
  await log.close();
  assert.deepEqual(linesIn(path), []);
});

test("without a path lines go to standard output, all of them before the end", async () => {
  const { code, stdout, stderr } = await run(
    `for (let i = 0; i < 5000; i++) log.info({ i }, "x".repeat(100)); await log.close(); log.info("late");`,
  );
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(linesOf(stdout).length, 5000);
});

test("a process that ends without closing, or by an exception, has logged everything", async () => {
  const exited = await run(`for (let i = 0; i < 100; i++) log.info({ i }, "x"); process.exit(3)`);
  assert.equal(exited.code, 3);
  assert.equal(linesOf(exited.stdout).length, 100);
  const thrown = await run(`log.critical("cannot start"); throw new Error("thrown")`);
  assert.equal(thrown.code, 1);
  assert.match(thrown.stdout, /"msg":"cannot start"/);
});

test("a reader of standard output that goes away kills nothing", async () => {
  const { code, stderr } = await run(`
    import { closeSync } from "node:fs";
    closeSync(1);
    log.info("to nobody");
    setTimeout(async () => { await log.close(); console.error("done"); }, 50);
  `);
  assert.equal(code, 0);
  assert.match(stderr, /^btrt: cannot write to standard output: .*\ndone\n$/);
});
