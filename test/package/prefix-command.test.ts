/** Commands of prefix sources in the sandbox of the service: what docs/prefix-sources.md says of it. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Status } from "../../src/admin/status.ts";
import { askStatus } from "../support/ask-admin.ts";
import { until } from "../support/bed.ts";
import { BUILT, debOf, VERSION } from "./built.ts";
import { Machine } from "./machine.ts";

const ADMIN = "http://127.0.0.1:6970/";
const WHOIS_PORT = 43;
const timeout = 300_000;

/** Answers on the socket of a router's program, which only root and the group bird can use. */
const BIRD = `use IO::Socket::UNIX;
mkdir "/run/bird"; umask 0117;
my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "/run/bird/bird.ctl", Listen => 5) or die $!;
chown 0, scalar(getgrnam "bird"), "/run/bird/bird.ctl";
while (my $client = $server->accept) { print $client "10.2.0.0/16\\n"; close $client; }
`;

/** Clients as birdc and whois are: of a socket in /run, and of a server. */
const BIRDC = `#!/usr/bin/perl
use IO::Socket::UNIX;
my $bird = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => "/run/bird/bird.ctl") or die "$!\\n";
print while <$bird>;
`;
const WHOIS = `#!/usr/bin/perl
use IO::Socket::INET;
my $server = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => ${WHOIS_PORT}) or die "$!\\n";
print $server "$ARGV[0]\\n";
print while <$server>;
`;

/** What the sandbox refuses: each fails, or the command does. */
const CONFINED = `#!/bin/sh
set -u
refuse() { if eval "$1" 2>/dev/null; then echo "the sandbox lets it: $1" >&2; exit 1; fi; }
refuse 'ls /root'
refuse 'ls /home/operator'
refuse 'echo x > /etc/btrt/written'
refuse 'echo x > /usr/local/bin/written'
refuse 'grep NoNewPrivs:.0 /proc/self/status'
refuse 'cat /etc/btrt/secret'
work=$(mktemp) && echo 10.3.0.0/16 > "$work" && cat "$work" && rm "$work"
test "$(env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort | tr '\\n' ' ')" = "LANG=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "
`;

const SOURCES = {
  bird: ["/usr/local/bin/birdc-like"],
  whois: ["/usr/local/bin/whois-like", "AS64500"],
  confined: ["/usr/local/bin/confined"],
  home: ["/home/operator/prefixes"],
} as const;

let machine: Machine;
before(async () => {
  machine = await Machine.boot();
  machine.run("dpkg", "--install", machine.receive(join(BUILT[0], debOf(VERSION))));
});
after(async () => {
  // The other files install on the same Debian.
  const made = [...Object.values(SOURCES).map(([program]) => program), "/home/operator", "/etc/btrt/secret"];
  machine.try("rm", "-r", "--force", ...made, "/root/bird.pl");
  machine.run("dpkg", "--purge", "btrt");
  machine.try("groupdel", "bird");
  await machine.end();
});

function writeProgram(path: string, text: string): void {
  mkdirSync(join(machine.path(path), ".."), { recursive: true });
  writeFileSync(machine.path(path), text);
  chmodSync(machine.path(path), 0o755);
}

/** Restarts the tracker. @returns its sources, when each was read or has failed. */
async function readSources(): Promise<Map<string, Status["prefixSources"][number]>> {
  const { pid } = await askStatus(ADMIN).catch(() => ({ pid: 0 }));
  machine.run("systemctl", "restart", "btrt");
  let sources: Status["prefixSources"] = [];
  await until("every source is read", async () => {
    const status = await askStatus(ADMIN).catch(() => undefined);
    if (status === undefined || status.pid === pid) return false;
    sources = status.prefixSources;
    return sources.length > 0 && sources.every(({ readAt, failure }) => readAt !== null || failure !== null);
  }).catch((error: unknown) => {
    const log = machine.try("journalctl", "--no-pager", "--unit=btrt", "--lines=30").out;
    throw new Error(`${error}\n${JSON.stringify(sources)}\n${log}`);
  });
  return new Map(sources.map((source) => [source.group, source]));
}

test("a command reaches sockets and servers, and nothing that the service may not", {
  timeout,
}, async (t) => {
  writeProgram("/usr/local/bin/birdc-like", BIRDC);
  writeProgram("/usr/local/bin/whois-like", WHOIS);
  writeProgram("/usr/local/bin/confined", CONFINED);
  writeProgram("/home/operator/prefixes", "#!/bin/sh\necho 10.4.0.0/16\n");
  writeFileSync(machine.path("/etc/btrt/secret"), "secret", { mode: 0o600 });
  writeFileSync(machine.path("/root/bird.pl"), BIRD);
  machine.run("groupadd", "--force", "bird");
  machine.run("systemd-run", "--quiet", "--unit=bird-like", "perl", "/root/bird.pl");
  await until("its socket is there", () => machine.try("test", "-S", "/run/bird/bird.ctl").code === 0);
  const whois = createServer((socket) =>
    socket.once("data", (query) => socket.end(query.includes("AS64500") ? "10.5.0.0/16\n" : "")),
  ).listen(WHOIS_PORT, "127.0.0.1");
  t.after(() => whois.close());
  const groups = Object.entries(SOURCES).map(
    ([name, from], i) =>
      `  - { name: ${name}, priority: ${i}, source: { from: ${JSON.stringify(from)}, timeout: 30 } }\n`,
  );
  writeFileSync(machine.path("/etc/btrt/btrt.conf"), `peer_groups:\n${groups.join("")}`);

  const sources = await readSources();
  const failureOf = (name: string) => sources.get(name)?.failure;
  assert.equal(failureOf("whois"), null);
  assert.equal(failureOf("confined"), null);
  assert.match(failureOf("bird") ?? "", /birdc-like: exit code \d+: Permission denied/);
  assert.match(failureOf("home") ?? "", /^\/home\/operator\/prefixes cannot be run: /);

  // The step of docs/prefix-sources.md.
  machine.run("usermod", "--append", "--groups", "bird", "btrt");
  assert.equal((await readSources()).get("bird")?.failure, null);
});
