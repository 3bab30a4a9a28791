/**
 * Server-side request forgery: strangers must not reach local services through this client. 127.0.0.1 is the outside
 * here, with a tracker that redirects. Servers at 127.0.0.2 and ::1 must receive no connections.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { HostileTracker } from "../../test/support/hostile-tracker.ts";
import { answerOf, assertFailed } from "../../test/support/outcomes.ts";
import { WITHOUT_IPV6 } from "../engine/conformance/loopback.ts";
import { parseAddress } from "../model/address-text.ts";
import { parsePrefix } from "../network/prefix.ts";
import { publicAddressesExcept } from "./address-guard.ts";
import type { FailureKind } from "./outcome.ts";
import { TrackerClient } from "./tracker-client.ts";

const OUTSIDE = parseAddress("127.0.0.1");

/** What names mean. Names that are not here do not exist. */
const NAMES: Record<string, string[]> = {
  "outside.example": ["127.0.0.1"],
  "loopback.example": ["127.0.0.2"],
  "loopback6.example": ["::1"],
  "mapped.example": ["::ffff:127.0.0.2"],
  "both.example": ["127.0.0.2", "::1"],
  "private.example": ["10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1"],
  "metadata.example": ["169.254.169.254"],
  "unspecified.example": ["0.0.0.0", "::"],
  "multicast.example": ["224.0.0.1", "ff02::1"],
  "local6.example": ["fe80::1", "fc00::1", "fec0::1"],
  "nat64.example": ["64:ff9b::7f00:2"],
  "6to4.example": ["2002:7f00:2::1"],
  "teredo.example": ["2001:0:1:2:3:4:80ff:fffd"],
  "compatible.example": ["::127.0.0.2"],
  "ours.example": ["198.51.100.1", "2001:db8:1::5"],
  "denied.example": ["203.0.113.77"],
};

/** What makes a request an announce. */
const QUERY = `?info_hash=${"%aA".repeat(20)}&port=6881`;

const FIELDS = {
  infoHash: new Uint8Array(20),
  peerId: new Uint8Array(20),
  downloaded: 0,
  left: 0,
  uploaded: 0,
  event: 0,
  key: 0,
  numWant: -1,
  port: 1,
  ip: 0,
} as const;

/** Refused URLs by reason. PORT is that of a listening server. */
const CASES: Record<"url" | "address" | "port" | "dns", readonly string[]> = {
  address: [
    "http://127.0.0.2:PORT/",
    "http://127.255.255.254:PORT/",
    "http://[::1]:PORT/",
    "http://[0:0:0:0:0:0:0:1]:PORT/",
    "http://[::ffff:127.0.0.2]:PORT/",
    "http://[::ffff:7f00:2]:PORT/",
    "http://[::127.0.0.2]:PORT/",
    "http://[::]:PORT/",
    "http://0.0.0.0:PORT/",
    "http://[64:ff9b::127.0.0.2]:PORT/",
    "http://[2002:7f00:2::]:PORT/",
    "http://[fe80::1]:PORT/",
    "http://[ff02::1]:PORT/",
    "http://10.0.0.1/latest",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.127.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://198.18.0.1/",
    "http://192.0.0.192/",
    "http://198.51.100.1/",
    "http://[2001:db8:1::6]/",
    "http://203.0.113.1:8080/",
    "https://127.0.0.2:PORT/",
    "udp://127.0.0.2:PORT/",
    "udp://[::1]:PORT/",
    "udp://[::ffff:127.0.0.2]:PORT/",
    "udp://both.example:PORT/",
    ...Object.keys(NAMES)
      .filter((name) => name !== "outside.example")
      .map((name) => `http://${name}:PORT/`),
  ],
  url: [
    "http://2130706434:PORT/",
    "http://0x7f000002:PORT/",
    "http://0x7f.0.0.2:PORT/",
    "http://0177.0.0.2:PORT/",
    "http://017700000002:PORT/",
    "http://127.2:PORT/",
    "http://127.0.2:PORT/",
    "http://127.0.0.002:PORT/",
    "http://127.0.0.2.:PORT/",
    "http://1.1.1.1@127.0.0.2:PORT/",
    "http://user:password@outside.example:PORT/",
    "http://outside.example\\@127.0.0.2:PORT/",
    "http://outside.example#@127.0.0.2:PORT/",
    "http://outside.example:80@127.0.0.2:PORT/",
    "http://127.0.0.2%00.outside.example:PORT/",
    "http://%31%32%37.0.0.2:PORT/",
    "http://１２７.0.0.2:PORT/",
    "http://127。0。0。2:PORT/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT/",
    "http://[::1%25lo]:PORT/",
    "http:///127.0.0.2:PORT/",
    "http:127.0.0.2:PORT/",
    "//127.0.0.2:PORT/",
    "file:///etc/passwd",
    "gopher://127.0.0.2:PORT/_",
    "unix:/var/run/docker.sock",
    "http://outside.example/\r\nHost: 127.0.0.2\r\n\r\nGET / HTTP/1.1",
    "http://outside.example/ HTTP/1.1\r\nX: y",
    "http://outside.example\r\n.example/",
  ],
  port: [
    "http://outside.example:22/",
    "http://127.0.0.1:25/",
    "udp://outside.example:53/",
    "udp://8.8.8.8:123/",
  ],
  dns: ["http://localhost:PORT/", "http://localhost.localdomain:PORT/", "http://xn--n8j.example:PORT/"],
};

describe("what only this machine reaches", () => {
  let outside: HostileTracker;
  let inside: HostileTracker[];
  const datagrams = createSocket("udp4");
  let received = 0;
  let port = 0;
  let client: TrackerClient;

  before(async () => {
    outside = await HostileTracker.start("127.0.0.1");
    const first = await HostileTracker.start("127.0.0.2");
    port = first.port;
    inside = [first];
    if (!WITHOUT_IPV6) inside.push(await HostileTracker.start("::1", port));
    datagrams.on("message", () => received++).bind(port, "127.0.0.2");
    await once(datagrams, "listening");
    const prefixes = ["198.51.100.1/32", "2001:db8:1::/48", "203.0.113.0/24"];
    const guard = publicAddressesExcept(prefixes.map((text) => parsePrefix(text).prefix));
    client = new TrackerClient({
      guard: (address, target) => address.equals(OUTSIDE) || guard(address, target),
      refuseLowPorts: true,
      timeoutMs: 60_000,
      maxInFlight: 10,
      maxPerHost: 10,
      resolve: async (host) => {
        if (!Object.hasOwn(NAMES, host)) throw new Error("no such name");
        return NAMES[host].map(parseAddress);
      },
    });
  });

  after(async () => {
    await client.close();
    await Promise.all([outside, ...inside].map((each) => each.stop()));
    datagrams.close();
  });

  const announce = (url: string) => client.announce({ url, udp: FIELDS });

  it("what is outside is reached", async () => {
    assert.equal(answerOf(await announce(`http://outside.example:${outside.port}/good`)).interval, 1800);
  });

  for (const [kind, urls] of Object.entries(CASES) as [FailureKind, readonly string[]][]) {
    for (const url of urls) {
      it(`is not reached, "${kind}": ${JSON.stringify(url)}`, async () => {
        const named = url.replace("PORT", String(port)) + QUERY;
        assertFailed(await announce(named), kind);
        if (named.startsWith("udp:")) return;
        const redirected = await announce(outside.url("redirect to", `?${encodeURIComponent(named)}`));
        if (kind !== "url") assertFailed(redirected, kind);
        else assert.ok(!redirected.answered); // what is left of it may lead outside, where nobody answers
      });
    }
  }

  it("and nobody came", () => {
    for (const { connections } of inside) assert.equal(connections, 0);
    assert.equal(received, 0);
    assert.ok(Object.values(CASES).flat().length >= 40);
  });
});
