/** A worker that crashes on certain announces (support/dying.ts). Otherwise it is worker.ts. */
import "./support/dying.ts";

await import("../src/data-plane/worker.ts");
