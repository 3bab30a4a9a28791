/**
 * Loaded before the program: its node sends what the next minor version may send. The cluster thread gets the connection
 * of bus.ts. The program itself has no such option.
 */
import { registerHooks } from "node:module";

const ORIGINAL = new URL("../../../src/cluster/nats-bus.ts", import.meta.url).href;
const CHANGED = new URL("./bus.ts", import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context);
    // The changed one needs the original.
    const isReplaced = resolved.url === ORIGINAL && context.parentURL !== CHANGED;
    return isReplaced ? { ...resolved, url: CHANGED } : resolved;
  },
});
