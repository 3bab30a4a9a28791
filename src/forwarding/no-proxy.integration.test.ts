/**
 * That forwarded announces make this tracker nobody's proxy, the whole way: from a request in any of its forms to what
 * would be sent. Somebody waits on this machine for connections that must not come.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { after, before, describe, it } from "node:test";
import { ForwardingRig, get, HASH, QUERY } from "../../test/support/forwarding-rig.ts";
import { publicAddressesExcept } from "../client/address-guard.ts";
import type { Outcome } from "../client/outcome.ts";
import { TrackerClient } from "../client/tracker-client.ts";
import { parseAddress } from "../model/address-text.ts";
import { parsePrefix } from "../network/prefix.ts";
import { announcementFor } from "./forwarded-announcement.ts";

/** What names mean. Names that are not here do not exist. */
const NAMES: Record<string, string[]> = {
  "loopback.example": ["127.0.0.1", "::1"],
  "mapped.example": ["::ffff:127.0.0.1"],
  "private.example": ["10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1"],
  "metadata.example": ["169.254.169.254"],
  "unspecified.example": ["0.0.0.0", "::"],
  "multicast.example": ["224.0.0.1", "ff02::1"],
  "local.example": ["fe80::1", "fc00::1"],
  "ours.example": ["8.8.4.4"],
  "denied.example": ["8.8.8.8"],
};

/** Origins and paths, all with a good announce's query behind them. */
const REFUSED = [
  "http://127.0.0.1:PORT/a",
  "http://127.0.0.1/a",
  "http://127.1:PORT/a",
  "http://127.0.1:PORT/a",
  "http://2130706433:PORT/a",
  "http://0x7f000001:PORT/a",
  "http://0x7f.1:PORT/a",
  "http://017700000001:PORT/a",
  "http://0177.0.0.1:PORT/a",
  "http://127.0.0.1.:PORT/a",
  "http://0:PORT/a",
  "http://0.0.0.0:PORT/a",
  "http://[::1]:PORT/a",
  "http://[::]:PORT/a",
  "http://[::ffff:127.0.0.1]:PORT/a",
  "http://[::ffff:7f00:1]:PORT/a",
  "http://[0:0:0:0:0:ffff:127.0.0.1]:PORT/a",
  "http://[::127.0.0.1]:PORT/a",
  "http://[64:ff9b::7f00:1]:PORT/a",
  "http://[fe80::1%25lo]:PORT/a",
  "http://[fe80::1]:PORT/a",
  "http://[fc00::1]/a",
  "http://[ff02::1]/a",
  "http://10.0.0.1/a",
  "http://172.16.0.1/a",
  "http://192.168.1.1/a",
  "http://100.64.0.1/a",
  "http://169.254.169.254/latest/meta-data/",
  "http://224.0.0.1/a",
  "http://255.255.255.255/a",
  "http://loopback.example:PORT/a",
  "http://LOOPBACK.example.:PORT/a",
  "http://mapped.example:PORT/a",
  "http://private.example/a",
  "http://metadata.example/a",
  "http://unspecified.example:PORT/a",
  "http://multicast.example/a",
  "http://local.example/a",
  "http://ours.example/a",
  "http://denied.example/a",
  "http://8.8.8.8/a",
  "https://127.0.0.1:PORT/a",
  "https://loopback.example:PORT/a",
  "udp://127.0.0.1:PORT/a",
  "udp://loopback.example:PORT/a",
  "http://1.1.1.1:22/a",
  "http://1.1.1.1:25/a",
  "http://1.1.1.1:1023/a",
  "http://1.1.1.1:0/a",
  "http://1.1.1.1:65536/a",
  "http://1.1.1.1:080/a",
  "http://1.1.1.1:+80/a",
  "http://1.1.1.1:80:80/a",
  "http://user@127.0.0.1:PORT/a",
  "http://1.1.1.1@127.0.0.1:PORT/a",
  "http://user:secret@127.0.0.1:PORT/a",
  "http://1.1.1.1#@127.0.0.1:PORT/a",
  "http://1.1.1.1\\@127.0.0.1:PORT/a",
  "http://127.0.0.1\t:PORT/a",
  "http://127.0.0.1%00.example:PORT/a",
  "http://127。0。0。1:PORT/a",
  "http://ⓛocalhost:PORT/a",
  "http://löopback.example:PORT/a",
  "http://loopback.example\r\nHost: x:PORT/a",
  "http://1.1.1.1/a\r\nX-Injected: 1",
  "http://1.1.1.1/a\nGET /b HTTP/1.1",
  "http://1.1.1.1/a b",
  "http:127.0.0.1:PORT/a",
  "http:///127.0.0.1:PORT/a",
  "//127.0.0.1:PORT/a",
  "ftp://127.0.0.1:PORT/a",
  "file:///etc/passwd",
  "gopher://127.0.0.1:PORT/_a",
  "unix:/run/btrt.sock:/a",
  "javascript:alert(1)",
];

describe("nobody's proxy", () => {
  let trap: Server;
  let port = 0;
  let connections = 0;
  let client: TrackerClient;

  before(async () => {
    trap = createServer((socket) => {
      connections++;
      socket.destroy();
    }).listen(0, "::");
    await once(trap, "listening");
    port = Number(Object(trap.address()).port);
    client = new TrackerClient({
      guard: publicAddressesExcept(["8.8.4.4", "8.8.8.8"].map((text) => parsePrefix(text).prefix)),
      refuseLowPorts: true,
      timeoutMs: 10_000,
      maxInFlight: 10,
      maxPerHost: 10,
      resolve: async (host) => {
        const found = NAMES[host];
        if (found === undefined) throw new Error(`no such name: ${host}`);
        return found.map(parseAddress);
      },
    });
  });

  after(async () => {
    trap.close();
    await client.close();
  });

  /** What comes of a request: the status, if it is refused at once, or what asking comes to. */
  async function outcomeOf(request: string): Promise<number | Outcome> {
    const { connection, task } = new ForwardingRig().forward(request);
    if (task === undefined) return connection.replies[0].status;
    return client.announce(announcementFor(task, 200));
  }

  function assertRefused(outcome: number | Outcome): void {
    if (typeof outcome === "number") assert.ok(outcome >= 400, `status ${outcome}`);
    else
      assert.ok(
        !outcome.answered && ["url", "port", "address", "dns"].includes(outcome.kind),
        JSON.stringify(outcome),
      );
  }

  for (const written of REFUSED) {
    it(`as a parameter: ${JSON.stringify(written)}`, async () => {
      const url = `${written.replaceAll("PORT", String(port))}?${QUERY}`;
      assertRefused(await outcomeOf(get(`/forwarded_announce?url=${encodeURIComponent(url)}`)));
      assert.equal(connections, 0);
    });
  }

  const inHost = REFUSED.filter((url) => /^http:\/\/[^/]+\/a$/.test(url) && !/[^\x20-\x7e]/.test(url));
  for (const written of inHost) {
    it(`as Host, and as an absolute target: ${written}`, async () => {
      const url = written.replaceAll("PORT", String(port));
      const host = url.slice(7, -2);
      assertRefused(await outcomeOf(get(`/forwarded_announce/a?${QUERY}`, `Host: ${host}`)));
      assertRefused(await outcomeOf(get(`/a?${QUERY}`, `Host: ${host}`)));
      if (!url.includes("#")) assertRefused(await outcomeOf(get(`${url}?${QUERY}`)));
      assert.equal(connections, 0);
    });
  }

  it("nothing but announces goes out", () => {
    for (const query of [
      "",
      HASH,
      "port=1",
      "info_hash=short&port=1",
      `${HASH}&port=0`,
      `${HASH}&${HASH}&port=1`,
    ]) {
      const url = encodeURIComponent(`http://1.1.1.1/a?${query}`);
      const { task } = new ForwardingRig().forward(get(`/forwarded_announce?url=${url}`));
      assert.equal(task, undefined, query);
    }
  });
});
