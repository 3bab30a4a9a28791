#!/usr/bin/python3
"""Runs libtorrent clients until told to stop: takes a JSON list of {torrent, directory, address, port, seed},
and `settings` that differ from those below."""
import json
import signal
import sys
import time

import libtorrent as lt


def start(client):
    address = client["address"]
    host = f"[{address}]" if ":" in address else address
    session = lt.session({
        "listen_interfaces": f"{host}:{client['port']}",
        "outgoing_interfaces": address,
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_incoming_utp": False,
        "enable_outgoing_utp": False,
        "allow_multiple_connections_per_ip": True,
        "stop_tracker_timeout": 2,
        "alert_mask": lt.alert.category_t.tracker_notification | lt.alert.category_t.error_notification,
        **client.get("settings", {}),
    })
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(client["torrent"])
    params.save_path = client["directory"]
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    params.flags |= lt.torrent_flags.disable_pex
    if client["seed"]:
        params.flags |= lt.torrent_flags.seed_mode
    session.add_torrent(params)
    return session


stopping = []
signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
sessions = [start(client) for client in json.loads(sys.argv[1])]
while not stopping:
    for session in sessions:
        for alert in session.pop_alerts():
            print(alert.message(), flush=True)
    time.sleep(0.05)
for session in sessions:
    for torrent in session.get_torrents():
        session.remove_torrent(torrent)
# The end of the program waits for these, and they for the trackers to be told.
ending = [session.abort() for session in sessions]
