/** `selection`: which peers are returned, and in which order. */
import { PATIENCE_MAX, POLICY_DESCRIPTIONS, POLICY_NAMES } from "../../selection/policies.ts";
import { choice, fraction, integer, section } from "../fields.ts";

/** Keys of all policies, and keys that only `bridged` uses. */
export const selection = section({
  policy: choice(POLICY_NAMES).default("bridged").describe(POLICY_DESCRIPTIONS),
  home: choice(["groups", "tier", "group"])
    .default("groups")
    .describe(
      "The home of a client, for bridged. groups: all peer groups together. tier: the groups of the client's priority. " +
        "group: the client's own group.",
    ),
  strangers: choice(["nearest", "outside_first"])
    .default("nearest")
    .describe(
      "The answer to a client in no peer group. nearest: the same as for other clients. outside_first: outside peers " +
        "first, so that the client does not load subscribers' uplinks.",
    ),
  patience: fraction(1.01, PATIENCE_MAX)
    .default(1.1)
    .describe(
      "For bridged: how many times as long a download may take as with all peers. The higher, the fewer outside peers " +
        "are returned to clients whose home has complete copies. To measure it, one of 64 households gets all peers, " +
        `and another one every day. With ${PATIENCE_MAX}, and in peer groups with the gate, nothing is measured and ` +
        "all are limited.",
    ),
  // This time depends on the clients, not on the policy. Where all intervals are short, as in the lab, it is short as
  // well.
  stall_seconds: integer(5, 43_200)
    .default(600)
    .describe(
      "A client gets outside peers if its download has made no progress for as many seconds, or if it needs as many " +
        "seconds to get what others at home already have.",
    ),
});
