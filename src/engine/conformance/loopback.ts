/** Local addresses that the tests use. */
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
