/**
 * What every engine must do, whatever it is made of. A test file of an engine calls {@link describeEngine} once.
 * The service is a toy, so that nothing here depends on HTTP or BitTorrent.
 */
import { describe } from "node:test";
import { describeAddresses } from "./conformance/addresses.ts";
import { describeClosing } from "./conformance/closing.ts";
import { describeCrowds } from "./conformance/crowds.ts";
import { describeDatagramLoad } from "./conformance/datagram-load.ts";
import { describeDatagrams } from "./conformance/datagrams.ts";
import { describeDeferring } from "./conformance/deferring.ts";
import { describeGivenSockets } from "./conformance/given-sockets.ts";
import { describeLeaving } from "./conformance/leaving.ts";
import { describeRequests } from "./conformance/requests.ts";
import type { MakeEngine } from "./conformance/rig.ts";
import { describeRoom } from "./conformance/room.ts";
import { describeSlowness } from "./conformance/slowness.ts";
import { describeStopping } from "./conformance/stopping.ts";
import { describeTurns } from "./conformance/turns.ts";

/** Registers the conformance tests of the engine that `makeEngine` makes, under `name`. */
export function describeEngine(name: string, makeEngine: MakeEngine): void {
  describe(name, { timeout: 120_000 }, () => {
    describeRequests(makeEngine);
    describeClosing(makeEngine);
    describeLeaving(makeEngine);
    describeSlowness(makeEngine);
    describeStopping(makeEngine);
    describeDeferring(makeEngine);
    describeAddresses(makeEngine);
    describeGivenSockets(makeEngine);
    describeCrowds(makeEngine);
    describeDatagrams(makeEngine);
    describeDatagramLoad(makeEngine);
    describeTurns(makeEngine);
    describeRoom(makeEngine);
  });
}
