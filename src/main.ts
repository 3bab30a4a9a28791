#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";
import { runCommandLine } from "./cli/command-line.ts";
import { nameProcess } from "./platform/process-name.ts";

// The memory for new objects of the main thread does not grow: 6 MB less after the start. Workers have their own limit.
setFlagsFromString("--semi-space-growth-factor=1");
nameProcess(process.argv.slice(2));

process.exitCode = await runCommandLine(process.argv.slice(2), async (source) => {
  const { run } = await import("./control-plane/run.ts");
  return run(source);
});
