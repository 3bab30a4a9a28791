/** What is prepared before a page's first block: what its reader has at that point. */
import type { Tool } from "../tools.ts";

interface Stage {
  /** Shell. */
  readonly before: string;
  readonly tools: readonly Tool[];
}

/** Files that configurations name, with the content that an operator has. */
const FILES = `
echo 10.0.0.0/8 | tee /etc/btrt/local_cidrs.conf /etc/btrt/neighboring_cidrs.conf /etc/btrt/partner_cidrs.conf > /dev/null
for name in admin monitoring; do head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \\n' > /etc/btrt/"$name"_token; done
touch /etc/btrt/admin.crt /etc/btrt/admin.key /etc/btrt/torrents.txt
echo password_for_btrt_user | tee /etc/btrt/database_password /etc/btrt/mail_password > /dev/null
chmod -R o= /etc/btrt
`;

/** The group of the service, which the package makes. */
const GROUP = `
groupadd --system btrt
`;

/** A tracker with its defaults, as "npm start" starts it. */
const TRACKER = `
btrt run --defaults > tracker.log 2>&1 &
until grep -q ready tracker.log; do sleep 0.1; done
`;

/** A MariaDB server as on Debian: root connects through the socket, others with a password. */
const MARIADB = `
{ mariadb-install-db --no-defaults --user=root --datadir=/var/lib/mysql
  mariadbd --no-defaults --user=root --datadir=/var/lib/mysql --socket=/run/mysqld/mysqld.sock --bind-address=127.0.0.1 &
  until mariadb -u root -e 'SELECT 1'; do sleep 0.1; done
} > mariadb.log 2>&1
`;

/** A stand-in for init and "service", as there is no systemd here. */
const INSTALLED = `
btrt init --local 10.0.0.0/8 --address 192.0.2.1
cat > "$HOME/bin/service" <<'SERVICE'
#!/bin/bash -e
case $2 in
  start) setsid btrt run > /var/log/btrt/out 2>&1 & echo $! > /run/btrt.pid
    until curl -sf http://127.0.0.1:6970/readyz; do sleep 0.1; done ;;
  stop) kill $(cat /run/btrt.pid); while kill -0 $(cat /run/btrt.pid) 2> /dev/null; do sleep 0.1; done ;;
  restart) "$0" "$1" stop; "$0" "$1" start ;;
  reload) kill -HUP $(cat /run/btrt.pid) ;;
  status) kill -0 $(cat /run/btrt.pid) ;;
esac
SERVICE
chmod +x "$HOME/bin/service"
service btrt start
`;

/** A stand-in for systemctl, which here only runs the gate, in the way its unit does. */
const GATE = `
cat > "$HOME/bin/systemctl" <<'SYSTEMCTL'
#!/bin/bash -e
[ "\${!#}" = btrt-gate ]
if [ -e /run/gate.pid ]; then kill $(cat /run/gate.pid); while kill -0 $(cat /run/gate.pid) 2> /dev/null; do sleep 0.1; done; fi
rm -f /run/gate.pid
[ "$1" = disable ] && exit
BTRT_GATE=--follow
[ ! -e /etc/btrt/gate.env ] || . <(sed "s/=\\(.*\\)/='\\1'/" /etc/btrt/gate.env)
setsid btrt gate $BTRT_GATE > gate.log 2>&1 & echo $! > /run/gate.pid
until grep -q 'the router has' gate.log; do sleep 0.1; done
SYSTEMCTL
chmod +x "$HOME/bin/systemctl"
`;

/** A peer in the torrent of an example. */
const ANNOUNCE = `
curl -sf "http://127.0.0.1/announce?info_hash=$(printf '%%aa%.0s' {1..20})&port=6881&left=0" > /dev/null
`;

/** The tracker's machine, and a subscribers' resolver. */
const RESOLVER = `
ip address add 192.0.2.1/32 dev lo
ip address add 192.0.2.53/32 dev lo
dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces --listen-address=192.0.2.53 --user= \\
  --local=/retracker.local/ --host-record=retracker.local,192.0.2.1
`;

/** A certificate and its key, as HAProxy reads them. */
const CERTIFICATE = `
mkdir -p /etc/haproxy
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=tracker.example.net -keyout key -out certificate 2> /dev/null
cat certificate key > /etc/haproxy/tracker.pem
`;

/** Prefixes that wait to be confirmed. */
const PREFIX_SOURCE = `
mkdir /var/lib/btrt/sources
printf '192.0.2.0/24\\n198.51.100.0/24\\n' > /var/lib/btrt/sources/local%20peers.conf
echo 192.0.2.0/24 > /var/lib/btrt/sources/local%20peers.conf.held
echo 'peer_groups: [{ name: local peers, priority: 0, source: { from: [/bin/echo, 192.0.2.0/24] } }]' > /etc/btrt/btrt.conf
`;

/** A list like its example, with lines that are skipped. */
const OPENTRACKER = `
mkdir -p /etc/opentracker
printf '# ours\\n%s\\n%s - a film\\n' 285862f84278e5e08f3a4f6606d2e768e594d5c3 $(printf a%.0s {1..40}) > /etc/opentracker/whitelist.txt
`;

/** The first node's machine, and a stand-in for systemctl, which here only runs the tracker and its server. */
const CLUSTER = `
getent group btrt > /dev/null || groupadd --system btrt
ip link add eth0 type veth peer name eth1 && ip link set eth0 up
ip address add 192.0.2.1/24 dev eth0
ip address add 192.0.2.254/32 dev lo
cat > "$HOME/bin/systemctl" <<'SYSTEMCTL'
#!/bin/bash -e
[ "$*" = "restart nats-server btrt" ]
setsid nats-server -c /etc/nats-server.conf > nats.log 2>&1 &
until grep -q 'Server is ready' nats.log; do sleep 0.1; done
setsid btrt run > /var/log/btrt/out 2>&1 &
until curl -sf http://127.0.0.1:6970/readyz; do sleep 0.1; done
SYSTEMCTL
chmod +x "$HOME/bin/systemctl"
`;

const STAGES: Readonly<Record<string, Stage>> = {
  "README.md": { before: TRACKER, tools: ["mktorrent", "aria2"] },
  "docs/linux-router.md": { before: TRACKER, tools: ["nftables"] },
  "docs/gate.md": { before: `${INSTALLED}${GATE}btrt nftables --apply`, tools: ["nftables"] },
  "docs/tuning.md": { before: "", tools: ["nftables"] },
  "docs/database.md": { before: `${GROUP}${MARIADB}`, tools: ["mariadb-server"] },
  "docs/placing.md": { before: CERTIFICATE, tools: ["openssl"] },
  "docs/cluster.md": { before: CLUSTER, tools: ["nats-server", "openssl"] },
  "docs/dns.md": { before: RESOLVER + INSTALLED, tools: ["bind9", "unbound", "dnsmasq-base"] },
  "docs/admin.md": { before: INSTALLED, tools: [] },
  "docs/operations.md": {
    before: `${INSTALLED}mkdir -p /etc/prometheus; cp "$BTRT/packaging/prometheus/btrt.rules.yml" /etc/prometheus/`,
    tools: [],
  },
  "docs/prefix-sources.md": { before: PREFIX_SOURCE, tools: [] },
  "docs/hash-list.md": { before: `${INSTALLED}mkdir /var/lib/dpi`, tools: [] },
  "docs/troubleshooting.md": { before: INSTALLED + ANNOUNCE, tools: [] },
  "docs/moving.md": { before: MARIADB + OPENTRACKER, tools: ["mariadb-server"] },
};

/** The stage of a page. */
export function stageOf(page: string): Stage {
  const { before, tools } = STAGES[page] ?? { before: "", tools: [] };
  return { before: FILES + before, tools };
}
