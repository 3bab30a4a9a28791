/** A program for a network namespace: a hostile tracker on the address and port in its arguments. */
import { HostileTracker } from "../support/hostile-tracker.ts";

const [address, port] = process.argv.slice(2);
await HostileTracker.start(address, Number(port));
console.log("ready");
