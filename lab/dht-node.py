#!/usr/bin/python3
"""A node of a distributed hash table, for clients to begin with. The argument is its address and port; "ready" on
standard output says that it listens. When standard input ends, so does this."""
import os
import sys

os.environ.update(SSL_CERT_FILE="/dev/null", SSL_CERT_DIR="/nonexistent")
import libtorrent as lt  # noqa: E402

from client import DHT_SETTINGS  # noqa: E402

session = lt.session(
    {
        **DHT_SETTINGS,
        "enable_dht": True,
        "dht_bootstrap_nodes": "",
        "listen_interfaces": sys.argv[1],
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
    }
)
print("ready", flush=True)
sys.stdin.read()
