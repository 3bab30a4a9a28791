/** Configurations of the original BTRT, which must load and start as they are. */

/** The snippets of the original's manual, as printed there. */
export const MANUAL = {
  logging: `
#
# Logging parameters
logging:
  path: "/var/log/btrt" # Path to log files, default: /var/log/btrt
  level: "info" # Possible levels are:
                # critical, error, warning, info, diagnostic, debug
                # default logging level is "info"
  switch_time: "01:00:00" # Log switching time in format "HH:MI:SS", default: "01:00:00"
`,
  database: `
database:
  url: "tcp://127.0.0.1:3306" # URL for connection to MySQL, default: "tcp://127.0.0.1:3306"
  user: "root" # User name, default: "root"
  password: "root" # Password
  schema: "btrt" # Schema name, default: "btrt"
`,
  peer_groups: `
peer_groups:
  # It is useful to have definition for peers in local network.
  - name: "local peers"
    priority: 0
    cidr_file: "/etc/btrt/local_cidrs.conf"
    cidr_list:
      -
  # neighboring peers is used to identifying range of IP-addresses of peers connected to neighboring trackers
  - name: "neighboring peers"
    priority: 1
    cidr_file: "/etc/btrt/neighboring_cidrs.conf"
    cidr_list:
      -
`,
  neighbors: `
neighbors:
  - name: "the nearest retracker"
    refresh_interval: 1800
    peers_expiry_interval: 7200
    announce_request: "http://retracker.mgts.by/announce?info_hash={info_hash}&peer_id=0123456789012345678A&port=6882&downloaded=0&uploaded=0&left=4194304&event=started&compact=1&numwant=1000"
`,
};
