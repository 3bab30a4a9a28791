import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ascii } from "./ascii.ts";
import { HostRules, MODE } from "./host-rules.ts";

const rules = new HostRules({
  ours: ["retracker.local", "192.0.2.1", "[2001:db8::1]"],
  modes: [
    ["*", MODE.observe],
    ["*.example", MODE.ignore],
    ["*.Private.example", MODE.observe],
    ["open.private.example", MODE.replace],
  ],
});

const isOurs = (authority: string) => rules.isOurs(ascii(`.${authority}.`), 1, 1 + authority.length);
const modeOf = (authority: string) => rules.modeOf(ascii(`x.${authority}x`), 2, 2 + authority.length);

describe("HostRules", () => {
  it("knows our names, in any case, with any port and a dot at the end", () => {
    for (const name of ["retracker.local", "ReTracker.LOCAL:8080", "retracker.local.", "192.0.2.1:80"])
      assert.ok(isOurs(name), name);
    for (const name of ["[2001:db8::1]", "[2001:DB8::1]:6969"]) assert.ok(isOurs(name), name);
    for (const name of [
      "etracker.local",
      "x.retracker.local",
      "retracker.loca",
      "",
      ":80",
      "192.0.2.11",
      ".",
    ])
      assert.ok(!isOurs(name), name);
  });

  it("goes by the most exact pattern", () => {
    assert.equal(modeOf("open.private.example:80"), MODE.replace);
    assert.equal(modeOf("OTHER.private.example"), MODE.observe);
    assert.equal(modeOf("a.b.private.example"), MODE.observe);
    assert.equal(modeOf("private.example"), MODE.ignore);
    assert.equal(modeOf("example"), MODE.observe, "*.example is not example itself");
    assert.equal(modeOf("198.51.100.1:6969"), MODE.observe);
  });

  it("replaces what is not listed", () => {
    const none = new HostRules({ ours: [], modes: [["a.example", MODE.ignore]] });
    assert.equal(none.modeOf(ascii("b.example"), 0, 9), MODE.replace);
    assert.equal(none.modeOf(ascii("xa.example"), 0, 10), MODE.replace);
  });
});
