/** Local addresses that the tests use. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";

/** Why tests of IPv6 are skipped, or false. */
export const WITHOUT_IPV6 = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .some(({ address }) => address === "::1")
  ? false
  : "this machine has no ::1";

/** The form in which the toy services write addresses. */
export const MAPPED_PREFIX = "00000000000000000000ffff";
export const IPV6_LOOPBACK = "00000000000000000000000000000001";

/** A port that was free a moment ago, on all addresses, for TCP and most likely for UDP. */
export async function freePort(): Promise<number> {
  const server = createServer().listen({ host: "0.0.0.0", port: 0 });
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  server.close();
  await once(server, "close");
  return address.port;
}
