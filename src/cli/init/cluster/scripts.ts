/** The scripts that `btrt init --cluster` writes: for the certificates, and to install the files of a node. */
import { isIP } from "node:net";
import type { ClusterNode } from "./nodes.ts";

/** How long certificates are valid. An expired one ends the cluster, but no tracker. */
const DAYS = 3650;

/** Makes a CA, and a certificate for the nats-server of each node that has none. */
export function certificatesScript(nodes: readonly ClusterNode[]): string {
  const calls = nodes.map((node) => `certificate ${node.name} ${subjectNames(node)}`);
  return `#!/bin/sh
# Makes a CA, and a certificate for the nats-server of each node. What exists is kept. Written by "btrt init --cluster".
# Keep ca.key away from the machines: whoever has it can join the cluster's servers.
set -eu
cd "$(dirname "$0")"
umask 077

[ -e ca.key ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days ${DAYS} \\
  -subj "/CN=btrt cluster CA" -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem

# NODE NAMES: the names and addresses of its server
certificate() {
  [ ! -e "$1/server.pem" ] || return 0
  printf 'subjectAltName=%s\\nextendedKeyUsage=serverAuth,clientAuth\\n' "$2" > "$1/server.ext"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \\
    -keyout "$1/server.key" -out "$1/server.csr"
  openssl x509 -req -in "$1/server.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days ${DAYS} \\
    -extfile "$1/server.ext" -out "$1/server.pem"
  rm "$1/server.ext" "$1/server.csr"
  cp ca.pem "$1/ca.pem"
}

${calls.join("\n")}
`;
}

/** Tracker and servers reach a server at its address; its own tracker reaches it at the loopback. */
function subjectNames({ address }: ClusterNode): string {
  const own = isIP(address) === 0 ? `DNS:${address}` : `IP:${address}`;
  return [own, "IP:127.0.0.1", "IP:::1", "DNS:localhost"].join(",");
}

/** Copies the files of a node to where tracker and server read them. @param directory of the tracker's files. */
export function installScript({ name }: ClusterNode, directory: string, natsDirectory: string): string {
  return `#!/bin/sh
# Installs the files of the node ${name} on this machine, as root. Written by "btrt init --cluster".
set -eu
cd "$(dirname "$0")"

# The tracker's.
install -d ${directory}
[ ! -e ${directory}/btrt.conf ] || cp -p ${directory}/btrt.conf ${directory}/btrt.conf.old
install -m 640 -g btrt btrt.conf ${directory}/btrt.conf
install -m 640 -g btrt cluster_secret ${directory}/cluster_secret
install -m 640 -g btrt cluster_nkey ${directory}/cluster_nkey
install -m 644 ca.pem ${directory}/cluster_ca.pem

# The nats-server's.
install -d ${natsDirectory}
install -m 644 ca.pem server.pem ${natsDirectory}/
install -m 640 -g nats server.key ${natsDirectory}/
install -m 640 -g nats nats-server.conf /etc/nats-server.conf
`;
}
