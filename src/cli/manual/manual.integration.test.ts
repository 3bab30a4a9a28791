import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { toolsMissing } from "../../../test/support/tools.ts";
import { configSchema } from "../../config/schema.ts";
import { dottedKeys } from "../../config/schema-tree.ts";
import { escapeText } from "./roff.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

function btrt(...args: string[]): string {
  return execFileSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
}

/** What a reader sees, without the marks of bold letters and with one space between words. */
function read(page: string): string {
  const shown = execFileSync("mandoc", ["-T", "utf8"], { input: page, encoding: "utf8" });
  const pieces = shown.split("\b");
  const plain = pieces.map((piece, i) => (i === pieces.length - 1 ? piece : piece.slice(0, -1))).join("");
  return plain.replaceAll(/\s+/g, " ");
}

for (const name of ["btrt", "btrt.conf"]) {
  test(`the page ${name} has nothing that mandoc or groff warns of`, {
    skip: toolsMissing(["mandoc", "groff-base"]),
  }, () => {
    const page = btrt("man", name);
    const { stdout: lint } = spawnSync("mandoc", ["-T", "lint", "-W", "warning"], {
      input: page,
      encoding: "utf8",
    });
    // A date would make every build another file.
    assert.match(lint, /^mandoc: <stdin>:1:\d+: WARNING: missing date, using "": TH\n$/);
    const groff = spawnSync("groff", ["-man", "-ww", "-Kutf8", "-Tutf8", "-z"], {
      input: page,
      encoding: "utf8",
    });
    assert.deepEqual({ said: groff.stderr, status: groff.status }, { said: "", status: 0 });
  });
}

test("btrt(8) has every command with its options", { skip: toolsMissing(["mandoc"]) }, () => {
  const page = read(btrt("man", "btrt"));
  const commands = [
    ...btrt("help")
      .split("Examples:")[0]
      .matchAll(/^ {2}(\w+) .*? {2}/gm),
  ]
    .map(([, name]) => name)
    .filter((name) => name !== "help");
  assert.ok(commands.length > 8);
  const inner = [...btrt("help", "db").matchAll(/^ {2}(\w+) .*? {2}/gm)].map(([, name]) => `db ${name}`);
  for (const command of [...commands, ...inner].filter(
    (command) => command !== "db" && command !== "db help",
  )) {
    assert.ok(page.includes(` btrt ${command} `), command);
    for (const [, option] of btrt(...command.split(" "), "--help").matchAll(/^ {2}(--[\w-]+)/gm)) {
      assert.ok(page.slice(page.indexOf(` btrt ${command} `)).includes(option), `${command} ${option}`);
    }
  }
  assert.match(page, /\[--config FILE\] .* --config FILE The configuration \(\/etc\/btrt\/btrt\.conf\)\./);
});

test("btrt.conf(5) has every key, with its default", { skip: toolsMissing(["mandoc"]) }, () => {
  const page = read(btrt("man", "btrt.conf"));
  for (const key of dottedKeys(configSchema)) assert.ok(page.replaceAll("[]", "").includes(` ${key} `), key);
  assert.match(page, / tracker\.interval Seconds .* From 10 to 43200\. Default: 1800\. /);
  assert.match(page, / peer_groups\[\]\.cidr_file A file .* Example: "\/etc\/btrt\/local_cidrs\.conf"\. /);
});

test("what means something in roff is shown as it is", { skip: toolsMissing(["mandoc"]) }, () => {
  const odd = "a\\b 'c' -d `e` ^f ~g \"h\" → .i";
  assert.ok(read(`.TH X 1 "" "" ""\n.SH NAME\nx \\- y\n.SH X\n${escapeText(odd)}\n`).includes(odd));
  assert.ok(
    read(`.TH X 1 "" "" ""\n.SH NAME\nx \\- y\n.SH X\n${escapeText(".so /etc/passwd")}\n`).includes(
      ".so /etc/passwd",
    ),
  );
  assert.ok(
    read(`.TH X 1 "" "" ""\n.SH NAME\nx \\- y\n.SH X\n${escapeText("'so /etc/passwd")}\n`).includes(
      "'so /etc/passwd",
    ),
  );
});
