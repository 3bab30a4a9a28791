/** A worker that dies of certain announces (dying.ts). Otherwise it is worker.ts. */
import "./support/dying.ts";

await import("../src/data-plane/worker.ts");
