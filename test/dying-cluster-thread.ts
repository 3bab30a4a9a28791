/** A cluster thread that crashes while it holds a shard. */
import { workerData } from "node:worker_threads";
import { CLUSTER_THREAD } from "../src/store/shard-lock.ts";
import { SwarmStore } from "../src/store/swarm-store.ts";

new SwarmStore(workerData.store, CLUSTER_THREAD).enterShard(0);
throw new Error("on purpose");
