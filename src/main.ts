#!/usr/bin/env node
import { runCommandLine } from "./cli/command-line.ts";
import { nameProcess } from "./platform/process-name.ts";

nameProcess(process.argv.slice(2));

process.exitCode = await runCommandLine(process.argv.slice(2), async (source) => {
  const { run } = await import("./control-plane/app.ts");
  return run(source);
});
