import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSandbox, whyHidden } from "./service-sandbox.ts";

const UNIT = `ProtectHome=yes
ProtectSystem=strict
PrivateTmp=yes
ReadWritePaths=-/srv/lists
RuntimeDirectory=btrt
StateDirectory=btrt
LogsDirectory=btrt
`;

test("the sandbox of the unit leaves few directories to write", () => {
  const sandbox = parseSandbox(UNIT);
  for (const path of ["/var/lib/btrt", "/var/log/btrt/a", "/run/btrt", "/srv/lists/a", "/tmp"])
    assert.equal(whyHidden(sandbox, path), undefined, path);
  for (const path of ["/var/lib/btrt2", "/srv", "/etc/btrt"])
    assert.match(whyHidden(sandbox, path)?.text ?? "", /may not write in .*ProtectSystem=strict/, path);
  assert.match(whyHidden(sandbox, "/root/a")?.text ?? "", /cannot see \/root\/a: .*ProtectHome=yes/);
});

test("without systemd, or without a sandbox, everything can be written", () => {
  for (const text of ["", "ProtectSystem=no\nProtectHome=no\n"])
    assert.equal(whyHidden(parseSandbox(text), "/home/a"), undefined);
});
