/** A program to be run in a network namespace: a hostile tracker on the address and port that it is given. */
import { HostileTracker } from "../support/hostile-tracker.ts";

const [address, port] = process.argv.slice(2);
await HostileTracker.start(address, Number(port));
console.log("ready");
