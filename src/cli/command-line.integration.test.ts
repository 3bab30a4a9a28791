import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ConfigSource } from "../config/load.ts";
import { configTemplate } from "../config/template.ts";
import { runCommandLine } from "./command-line.ts";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
let directory = "";

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "btrt-"));
});
after(() => rm(directory, { recursive: true }));

async function btrt(...argv: string[]) {
  const child = spawn(process.execPath, [MAIN, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
  const exit = new Promise<number | null>((resolve) => child.on("close", resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { out, err, code: await exit };
}

async function configFile(name: string, content: string): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, content);
  return file;
}

test("help, also without arguments, shows the commands, the configuration's place and examples", async () => {
  const [help, none] = await Promise.all([btrt("help"), btrt()]);
  assert.deepEqual(none, help);
  assert.equal(help.code, 0);
  assert.equal(help.err, "");
  for (const command of [
    "init",
    "run",
    "check",
    "config",
    "doctor",
    "db",
    "status",
    "explain",
    "nftables",
    "hashlist",
    "completion",
    "man",
    "version",
    "help",
  ]) {
    assert.match(help.out, new RegExp(`^  ${command} `, "m"));
    assert.match(help.out, new RegExp(`^  btrt ${command} `, "m"));
  }
  assert.match(help.out, /\/etc\/btrt\/btrt\.conf/);
});

test("an unknown command or option is one line with a suggestion, and exit code 1", async () => {
  const cases: [string[], RegExp][] = [
    [["chek"], /^btrt: unknown command 'chek'; did you mean check\?\n$/],
    [["run", "--default"], /^btrt: unknown option '--default'; did you mean --defaults\?\n$/],
    [["xyzzy"], /^btrt: unknown command 'xyzzy'; "btrt help" shows the commands\n$/],
    [["help", "xyzzy"], /^btrt: unknown command 'xyzzy'; "btrt help" shows the commands\n$/],
    [["check", "file"], /^btrt: too many arguments for 'check'\..*\n$/],
    [
      ["run", "--defaults", "--config", "x"],
      /^btrt: option '--defaults' cannot be used with option '--config <FILE>'; .*\n$/,
    ],
  ];
  await Promise.all(
    cases.map(async ([argv, message]) => {
      const { out, err, code } = await btrt(...argv);
      assert.match(err, message);
      assert.deepEqual({ out, code }, { out: "", code: 1 });
    }),
  );
});

test("config writes the template, version the version", async () => {
  const [config, version] = await Promise.all([btrt("config"), btrt("version")]);
  assert.deepEqual(config, { out: configTemplate(), err: "", code: 0 });
  assert.match(version.out, /^btrt \d+\.\d+\.\d+ /);
});

test("a reader that goes away is no mistake", async () => {
  const child = spawn(process.execPath, [MAIN, "config"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  const exit = new Promise<number | null>((resolve) => child.on("close", resolve));
  assert.equal(await text(child.stderr), "");
  assert.equal(await exit, 0);
});

test("check tells everything that is wrong on standard error", async () => {
  const wrong = await configFile(
    "wrong.conf",
    "listen: { trusted_proxies: [10.1.2.3/8] }\ntraker:\nlogging: { level: inf }\n",
  );
  const [absent, mistakes] = await Promise.all([
    btrt("check", "--config", join(directory, "absent.conf")),
    btrt("check", "--config", wrong),
  ]);
  const file = join(directory, "absent.conf");
  assert.deepEqual(absent, {
    out: "",
    err: `btrt: ${file}: no such file; create one with "btrt config > ${file}", or try "btrt run --defaults"\n`,
    code: 1,
  });
  assert.deepEqual(mistakes, {
    out: "",
    err:
      `${wrong}:2:1: traker: unknown key; did you mean "tracker"?\n` +
      `${wrong}:3:19: logging.level: must be one of critical, error, warning, info, diagnostic, debug, ` +
      'not "inf"; did you mean "info"?\n' +
      `${wrong}:1:29: listen.trusted_proxies[0]: "10.1.2.3/8" has host bits set: ` +
      "it is read as 10.0.0.0/8 (a warning)\n",
    code: 1,
  });
});

test("check says what a good configuration amounts to", async () => {
  await configFile("ours.conf", "10.0.0.0/8\n192.0.2.0/24\n");
  await configFile("hashes", `${"0".repeat(40)}\n`);
  const good = await configFile(
    "good.conf",
    `workers: 3
listen: { http: ["[::1]:0", "127.0.0.1:80"], udp: ["[::]:80"] }
admin: { listen: "127.0.0.1:0" }
tracker: { max_peers: 1000000, access_list: { mode: allow, file: hashes } }
peer_groups:
  - { name: partners, priority: 5, cidr_list: [10.1.0.0/16, 2001:db8::1/32] }
  - { name: ours, priority: 1, cidr_file: ours.conf }
neighbors: [{ name: next, announce_request: "udp://192.0.2.7:6969" }]
forwarded_announce: { sources: [192.0.2.8] }
hashlist: { path: list, formats: [text, nftables] }
`,
  );
  const { out, err, code } = await btrt("check", "--config", good);
  assert.deepEqual({ err, code }, { err: "", code: 0 });
  const [first, ...blocks] = out.trimEnd().split("\n\n");
  assert.equal(first, `${good}: good`);
  assert.deepEqual(blocks.slice(0, 5), [
    "Listens on\n  http  [::1]:0\n  http  127.0.0.1:80\n  udp   [::]:80",
    "Answers with\n  3 workers",
    "Peer groups, nearest first\n  tier 1  ours         2 prefixes\n  tier 2  partners     2 prefixes\n  tier 3  in no group",
    'Overlaps, where the longest prefix decides\n  1 prefix of "partners" inside "ours"',
    "Torrents\n  only 1 listed torrent",
  ]);
  assert.match(blocks[5], /^Memory for swarms\n {2}at most \d+ MiB, with 1,000,000 peers$/);
  assert.equal(
    blocks[6],
    `Saves its swarms in\n  sqlite:${join(directory, "var/btrt.db")}, saved every 60 seconds`,
  );
  assert.deepEqual(blocks.slice(7), [
    'Neighbors\n  "next" is asked every 1,800 seconds',
    "Forwarded announces\n  from 1 prefix of sources and 0 prefixes of clients",
    `Hash list\n  ${join(directory, "list.txt")}, ${join(directory, "list.nft")}, every 600 seconds`,
    `Warnings\n  ${good}:6:61: peer_groups[0].cidr_list[1]: "2001:db8::1/32" has host bits set: ` +
      "it is read as 2001:db8::/32",
  ]);
});

test("run is handed where the configuration is, and its exit code is ours", async () => {
  const sources: ConfigSource[] = [];
  const run = async (source: ConfigSource) => {
    sources.push(source);
    return 7;
  };
  assert.equal(await runCommandLine(["run"], run), 7);
  assert.equal(await runCommandLine(["run", "--config", "x.conf"], run), 7);
  assert.equal(await runCommandLine(["run", "--defaults"], run), 7);
  assert.deepEqual(sources, [
    { configFile: "/etc/btrt/btrt.conf" },
    { configFile: "x.conf" },
    { defaults: true },
  ]);
});
