/**
 * Makes a worker crash on certain announces. Port 666: by an exception, during a change of the store with its shard
 * locked. Port 667: the same without an exception. Port 668: with nothing locked. Port 669: it only hangs.
 */
import { SwarmStore } from "../../src/store/swarm-store.ts";
import { Tracker } from "../../src/tracker/tracker.ts";
import { DEADLY_PORT, STUCK_PORT } from "./deadly-port.ts";

const putPeer = SwarmStore.prototype.putPeer;
SwarmStore.prototype.putPeer = function (this: SwarmStore, shard, entry, update, outcome) {
  const { port } = update;
  if (port !== DEADLY_PORT.exception && port !== DEADLY_PORT.exit)
    return putPeer.call(this, shard, entry, update, outcome);
  putPeer.call(this, shard, entry, update, outcome);
  // Half a change: the swarm refers to an invalid place.
  this.words.fill(0x7fff_ffff, entry + 5, entry + 12);
  if (port === DEADLY_PORT.exit) process.exit(3);
  throw new Error("died on purpose");
};

const announce = Tracker.prototype.announce;
Tracker.prototype.announce = function (this: Tracker, request, response) {
  if (request.port === DEADLY_PORT.unlocked) throw new Error("died on purpose");
  if (request.port === STUCK_PORT) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  return announce.call(this, request, response);
};
