/** The settings of the cluster: texts and bytes, not paths. The control plane has read the files. */
export interface ClusterSettings {
  /** The name of the cluster, the name of this node in it, and the site where the node is. Parts of subjects. */
  readonly name: string;
  readonly node: string;
  readonly site: string;
  /** URLs of nats-servers, `nats://host:port` or `tls://host:port`. */
  readonly servers: readonly string[];
  /** Certificates of authorities (PEM) that sign the servers' certificates; null: those of the system. */
  readonly ca: string | null;
  /** The seed of an NKey, or a .creds file; null: the server asks for none. */
  readonly credentials: string | null;
  /** The content of `secret_file`, the same on all nodes. */
  readonly secret: Uint8Array;
  /** Whether private addresses from other sites are stored. */
  readonly sharePrivate: boolean;
}

/** Most nodes of a cluster, besides this one. */
export const NODES_MAX = 64;
