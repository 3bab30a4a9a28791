/** Which part of src may import which: the table of `structure.test.ts`. */

/** Code that decides whether an engine can run here, and on these addresses. */
const DOCTORS = [
  "engine/engine.ts",
  "engine/uring/probe.ts",
  "engine/node/address-availability.ts",
  "engine/node/local-addresses.ts",
];

/** The parts that the control plane is composed of, each with a panel in the admin listener. */
const PARTS = ["neighbors", "forwarding", "storage", "hash-list", "gate", "alerts", "prefix-sources"];

/** The cluster's settings and reports, without the thread that has the connection. */
const CLUSTER = ["cluster/settings.ts", "cluster/status.ts"];

/** The way of an announce, from the bytes to the peers; each may import what stands before it in {@link MAY_IMPORT}. */
export const DATA_PLANE = ["model", "network", "wire", "store", "selection", "tasks", "tracker", "services"];

/** What each part of src may import besides itself. Tests may import anything. */
export const MAY_IMPORT: Record<string, readonly string[]> = {
  model: [],
  network: ["model"],
  wire: ["model"],
  store: ["model", "network"],
  selection: ["model", "network", "store"],
  tasks: ["model", "wire"],
  tracker: ["model", "network", "store", "selection", "tasks", "engine/engine.ts"],
  services: ["model", "network", "wire", "store", "tasks", "tracker", "engine/engine.ts"],
  engine: [],
  platform: ["network", "../package.json"],
  client: ["model", "network"],
  neighbors: ["model", "network", "client", "store", "tasks", "platform"],
  forwarding: ["model", "network", "client", "store", "tasks"],
  "prefix-sources": ["network", "client", "platform"],
  storage: ["model", "network", "store", "platform"],
  "hash-list": ["model", "network", "store", "tracker/access-list.ts", "platform"],
  gate: [
    "model",
    "network",
    "store",
    "selection",
    "tasks/gate-task.ts",
    "hash-list",
    "tracker/access-list.ts",
    "platform",
  ],
  cluster: ["model", "network", "store", "tasks", "services/connection-ids.ts", "platform"],
  alerts: [],
  admin: ["model", "network", "store", "selection", "tracker", ...PARTS, ...CLUSTER, "platform"],
  config: [
    "model",
    "network",
    "engine/engine.ts",
    "gate/formats.ts",
    "hash-list/formats",
    "prefix-sources/formats",
    "prefix-sources/settings.ts",
    "storage/databases.ts",
    "selection/policies.ts",
    "cluster/settings.ts",
  ],
  telemetry: ["model", "platform"],
  systemd: ["model", "engine"],
  cli: [
    "model",
    "network",
    "client",
    "store",
    "config",
    ...PARTS,
    ...CLUSTER,
    "cluster/authenticator.ts",
    "admin",
    ...DOCTORS,
    "platform",
  ],
  "data-plane": [...DATA_PLANE, "engine", "platform", "config/worker-count.ts"],
  "control-plane": [
    ...DATA_PLANE,
    ...PARTS,
    "engine",
    "platform",
    "client",
    "cluster",
    "admin",
    "config",
    "telemetry",
    "systemd",
    "data-plane",
  ],
  "main.ts": ["cli", "control-plane/run.ts", "platform/process-name.ts"],
};
