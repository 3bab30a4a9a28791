/** Extracts the settings of the cluster from a configuration. */
import type { ClusterSettings } from "../cluster/settings.ts";
import { secretOf, seedOf } from "./cluster-files.ts";
import type { LoadedConfig } from "./load.ts";

/** The settings for the cluster thread; undefined without a cluster. */
export function clusterSettings({ config, clusterFiles }: LoadedConfig): ClusterSettings | undefined {
  const { cluster } = config;
  if (cluster === null) return undefined;
  const { name, node, site, servers, share_private: sharePrivate } = cluster;
  const { secret, ca, credentials } = clusterFiles;
  return {
    name,
    node,
    site,
    servers,
    sharePrivate,
    ca,
    credentials: credentials === null ? null : seedOf(credentials),
    secret: secretOf(secret ?? ""),
  };
}
