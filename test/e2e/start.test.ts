/** `npm start`, as a newcomer runs it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import packageJson from "../../package.json" with { type: "json" };
import { Bed } from "../support/bed.ts";
import { runInSandbox } from "../support/documentation/sandbox.ts";
import { namespacesMissing } from "../support/networks.ts";

/** npm runs a script in a shell, which would keep the signal for itself. */
const SCRIPT = `
printf '{ "scripts": { "start": "%s" } }' "$(echo '${packageJson.scripts.start}' | sed "s#src/#$BTRT/src/#")" > package.json
npm start > start.log 2>&1 &
until grep -q '"msg":"ready"' start.log; do sleep 0.1; done
btrt status
kill %1
for i in $(seq 900); do ss -ltn | grep -q :6970 || break; sleep 0.1; done
ss -ltn
tail -1 start.log
`;

test("npm start is what btrt status finds without a configuration, and ends when npm gets SIGTERM", {
  skip: namespacesMissing(),
  timeout: 300_000,
}, async (t) => {
  const [{ code, output }] = await runInSandbox(await Bed.open(t), [SCRIPT]);
  assert.equal(code, 0, output);
  assert.match(output, /^BTRT .*, answering/m);
  assert.doesNotMatch(output, /:6970 /);
});
