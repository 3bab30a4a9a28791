#!/usr/bin/python3
"""libtorrent clients of one network, each in a process of its own: sessions in one process draw the same random
numbers, and would all choose the same pieces.

The first line of standard input is a JSON object: settings, and clients, each with name, address, seed, torrents
(each with metainfo and directory: where it puts the file, or has it), at (seconds from "go"), upload and download
(kB/s, 0: unlimited), and perhaps kill_at (a share of the first file) or leave_at (seconds from "go"). Seeders start
at once; a line "go" is second zero for the others. Standard output: a JSON object per line, each with event and
client: announced (a tracker has answered; peers), done (has the file; torrent, by number; seconds since its start),
gone (has left), and with the setting "watch" every second status (seconds since "go"; progress; by the network that a
peer is in, of the first torrent: bytes received and sent, and connections; the network is the third number of an address).
When standard input ends, so does this.
"""
import json
import os
import random
import resource
import select
import signal
import sys
import time

# Every session would read all of the machine's certificates, which takes longer than all else at its start.
os.environ.update(SSL_CERT_FILE="/dev/null", SSL_CERT_DIR="/nonexistent")
import libtorrent as lt  # noqa: E402

PORT = 6881
TICK = 0.1
# Time and size are a hundredth of life's (README.md), and with them the clocks and queues of clients, as far as they
# go: seconds between choices whom to send to (life: 15 and 30), between attempts to connect again (60), and between
# announces at least (300); milliseconds between shares of a rate limit (500); blocks of 16 KiB asked for beforehand
# (500), and bytes taken from disk to be sent (500 KiB): a large part of a small file, which others cannot be asked for
# meanwhile.
UNCHOKE = 1
RECONNECT = 1
MOST_OFTEN = 3
BANDWIDTH_TICK_MS = 50
REQUESTS = 16
SEND_BUFFER = 32 * 1024
# Whom a client sends to at a time, as qBittorrent has it.
UNCHOKE_SLOTS = 4
# Not scaled: no announce in the course of a run.
SELDOM = 300


ENCRYPTION = {
    "disabled": lt.enc_policy.disabled,
    "enabled": lt.enc_policy.enabled,
    "forced": lt.enc_policy.forced,
}
# All nodes are in one small block of addresses.
DHT_SETTINGS = {
    "dht_restrict_routing_ips": False,
    "dht_restrict_search_ips": False,
    "dht_prefer_verified_node_ids": False,
    "dht_enforce_node_id": False,
    "dht_ignore_dark_internet": False,
}


def session_settings(client, common):
    encryption = int(ENCRYPTION[common["encryption"]])
    return {
        **DHT_SETTINGS,
        "listen_interfaces": f"{client['address']}:{PORT}",
        "outgoing_interfaces": client["address"],
        "enable_dht": common["dht"] is not None,
        "dht_bootstrap_nodes": common["dht"] or "",
        "enable_lsd": common["lsd"],
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_incoming_utp": common["utp"],
        "enable_outgoing_utp": common["utp"],
        "in_enc_policy": encryption,
        "out_enc_policy": encryption,
        "prefer_rc4": common["encryption"] == "forced",
        "announce_to_all_trackers": True,
        "announce_to_all_tiers": True,
        "min_announce_interval": MOST_OFTEN if common["reannounce"] else SELDOM,
        "min_reconnect_time": RECONNECT,
        "unchoke_interval": UNCHOKE,
        "optimistic_unchoke_interval": UNCHOKE,
        "unchoke_slots_limit": UNCHOKE_SLOTS,
        "tick_interval": BANDWIDTH_TICK_MS,
        "max_out_request_queue": REQUESTS,
        # What the other side says it allows goes before what one wants, and in its first seconds a connection asks for
        # more than either: what is too much is rejected, and asked for elsewhere.
        "max_allowed_in_request_queue": REQUESTS,
        "send_buffer_watermark": SEND_BUFFER,
        "send_buffer_low_watermark": SEND_BUFFER // 2,
        "upload_rate_limit": client["upload"] * 1000,
        "download_rate_limit": client["download"] * 1000,
        "rate_limit_ip_overhead": False,
        "stop_tracker_timeout": 1,
        "aio_threads": 1,
        "hashing_threads": 1,
        "alert_mask": lt.alert.category_t.tracker_notification | lt.alert.category_t.status_notification,
    }


class Client:
    def __init__(self, spec, common):
        self.spec = spec
        self.common = common
        self.done = set()
        self.gone = False
        self.session = None
        self.told_at = 0
        # By address: network, bytes received, bytes sent. libtorrent goes on with the numbers of a lost connection in the next.
        self.peers = {}

    def tell(self, event, **more):
        # One write: others have the same output.
        os.write(sys.stdout.fileno(), f"{json.dumps({'event': event, 'client': self.spec['name'], **more})}\n".encode())

    def start(self):
        self.session = lt.session(session_settings(self.spec, self.common))
        self.torrents = [self.add(torrent) for torrent in self.spec["torrents"]]
        self.started = time.monotonic()
        self.plan_announce()

    def add(self, torrent):
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(torrent["metainfo"])
        params.save_path = torrent["directory"]
        params.max_connections = self.common["connections"]
        params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
        if not self.common["pex"]:
            params.flags |= lt.torrent_flags.disable_pex
        if self.spec["seed"]:
            params.flags |= lt.torrent_flags.seed_mode
        return self.session.add_torrent(params)

    def plan_announce(self):
        every = self.common["reannounce"]
        wait = every * random.uniform(0.8, 0.95) if every else float("inf")
        self.announce_at = time.monotonic() + wait

    def finish(self, torrent):
        if torrent in self.done:
            return
        self.done.add(torrent)
        self.tell("done", torrent=torrent, seconds=time.monotonic() - self.started)

    def leave(self):
        self.gone = True
        for torrent in self.torrents:
            self.session.remove_torrent(torrent)
        self.tell("gone")

    def tell_status(self, now):
        present = {}
        for peer in self.torrents[0].get_peer_info():
            network = peer.ip[0].split(".")[2]
            _, down, up = self.peers.get(peer.ip[0], (network, 0, 0))
            self.peers[peer.ip[0]] = network, max(down, peer.total_download), max(up, peer.total_upload)
            if not peer.flags & (lt.peer_info.connecting | lt.peer_info.handshake):
                present[network] = present.get(network, 0) + 1
        received, sent = {}, {}
        for network, down, up in self.peers.values():
            received[network] = received.get(network, 0) + down
            sent[network] = sent.get(network, 0) + up
        progress = self.torrents[0].status().progress
        self.tell("status", seconds=now, progress=progress, received=received, sent=sent, connections=present)

    def tick(self, now):
        """now: seconds since "go", or None before."""
        if self.session is None:
            if self.spec["seed"] or (now is not None and now >= self.spec["at"]):
                self.start()
            return
        if self.gone:
            return
        for alert in self.session.pop_alerts():
            if isinstance(alert, lt.tracker_reply_alert):
                self.tell("announced", peers=alert.num_peers)
            elif isinstance(alert, lt.torrent_finished_alert) and not self.spec["seed"]:
                self.finish(self.torrents.index(alert.handle))
        if self.common["watch"] and now is not None and now - self.told_at >= 1:
            self.told_at = now
            self.tell_status(now)
        if time.monotonic() >= self.announce_at:
            for torrent in self.torrents:
                torrent.force_reannounce(0, -1, lt.reannounce_flags_t.ignore_min_interval)
            self.plan_announce()
        if "kill_at" in self.spec and self.torrents[0].status().progress >= self.spec["kill_at"]:
            self.tell("gone")
            os.kill(os.getpid(), signal.SIGKILL)
        if "leave_at" in self.spec and now is not None and now >= self.spec["leave_at"]:
            self.leave()


def run(spec, common, commands):
    """Lives one client's life; "go" comes as a byte."""
    client = Client(spec, common)
    go = None
    while True:
        client.tick(None if go is None else time.monotonic() - go)
        if select.select([commands], [], [], TICK)[0]:
            if not os.read(commands, 1):
                os.kill(os.getpid(), signal.SIGKILL)
            go = time.monotonic()


def fork(spec, common, others):
    """Starts a client's process. Returns where to tell it to go; when that is closed, it ends."""
    commands, tell = os.pipe()
    if os.fork() == 0:
        # Else it would hold others' ends open, and they would not notice when this process ends.
        for each in [tell, *others]:
            os.close(each)
        run(spec, common, commands)
    os.close(commands)
    return tell


def main():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    common = json.loads(sys.stdin.readline())
    clients = []
    for spec in common["clients"]:
        clients.append(fork(spec, common, clients))
    for _ in sys.stdin:
        for tell in clients:
            os.write(tell, b"g")
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
