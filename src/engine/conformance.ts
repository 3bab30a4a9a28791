/**
 * The conformance suite of all engines. An engine's test file calls {@link describeEngine} once.
 * The service is a toy, so that the suite does not depend on HTTP or BitTorrent.
 */
import { describe } from "node:test";
import { describeAddresses } from "./conformance/addresses.ts";
import { describeClosing } from "./conformance/closing.ts";
import { describeConnectionLimits } from "./conformance/connection-limits.ts";
import { describeDatagramLoad } from "./conformance/datagram-load.ts";
import { describeDatagrams } from "./conformance/datagrams.ts";
import { describeDeferring } from "./conformance/deferring.ts";
import { describeInheritedSockets } from "./conformance/inherited-sockets.ts";
import { describeLeaving } from "./conformance/leaving.ts";
import { describeManyConnections } from "./conformance/many-connections.ts";
import { describeRequests } from "./conformance/requests.ts";
import type { MakeEngine } from "./conformance/rig.ts";
import { describeSlowness } from "./conformance/slowness.ts";
import { describeStopping } from "./conformance/stopping.ts";
import { describeTurns } from "./conformance/turns.ts";

/** Registers the conformance tests of the engine that `makeEngine` makes, under `name`. */
export function describeEngine(name: string, makeEngine: MakeEngine): void {
  describe(name, { timeout: 600_000 }, () => {
    describeRequests(makeEngine);
    describeClosing(makeEngine);
    describeLeaving(makeEngine);
    describeSlowness(makeEngine);
    describeStopping(makeEngine);
    describeDeferring(makeEngine);
    describeAddresses(makeEngine);
    describeInheritedSockets(makeEngine);
    describeManyConnections(makeEngine);
    describeDatagrams(makeEngine);
    describeDatagramLoad(makeEngine);
    describeTurns(makeEngine);
    describeConnectionLimits(makeEngine);
  });
}
