import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { formatForTerminal } from "./terminal-line.ts";

test("a line for the terminal is short: local time, level, message, fields", () => {
  const time = "2026-05-10T12:34:56.789Z";
  const clock = new Date(time).toTimeString().slice(0, 8);
  const http = ["http://192.0.2.1/announce"];
  const ready = formatForTerminal({ time, level: "info", msg: "ready", engine: "node", http, peers: 0 });
  assert.equal(
    stripVTControlCharacters(ready),
    `${clock} info       ready engine=node http=["http://192.0.2.1/announce"] peers=0\n`,
  );
  const failed = formatForTerminal({
    time,
    level: "critical",
    msg: "stopped",
    err: { type: "Error", message: "odd", stack: "Error: odd\n    at here" },
  });
  assert.equal(
    stripVTControlCharacters(failed),
    `${clock} critical   stopped\n    Error: odd\n        at here\n`,
  );
});
