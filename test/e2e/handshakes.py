#!/usr/bin/python3
"""Counts BitTorrent handshakes and payload that reach a router: whatever comes in on any interface of its network
namespace, before it is forwarded or refused. Independent of how nftables finds them: it looks for the 20 bytes anywhere
near the start of a payload.

Prints a JSON line {"source", "destination", "protocol", "infoHash"} for each handshake as it comes, and when it is told
to stop, one {"payload": [{"source", "destination", "bytes"}]}: the bytes of all payload over TCP and UDP.
"""
import ipaddress
import json
import select
import signal
import socket
import struct

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6, PACKET_OUTGOING, SO_RCVBUFFORCE = 3, 0x0800, 0x86DD, 4, 33
MARK = b"\x13BitTorrent protocol"
LONGEST_UTP_HEADER = 64
payload_bytes = {}


def take(protocol, source, destination, segment):
    if protocol == socket.IPPROTO_TCP:
        name, payload, latest = "tcp", segment[(segment[12] >> 4) * 4 :], 0
    elif protocol == socket.IPPROTO_UDP:
        name, payload, latest = "utp", segment[8 : struct.unpack("!H", segment[4:6])[0]], LONGEST_UTP_HEADER
    else:
        return
    pair = (str(ipaddress.ip_address(source)), str(ipaddress.ip_address(destination)))
    payload_bytes[pair] = payload_bytes.get(pair, 0) + len(payload)
    at = payload.find(MARK, 0, latest + len(MARK))
    if at >= 0:
        info_hash = payload[at + 28 : at + 48].hex()
        line = {"source": pair[0], "destination": pair[1], "protocol": name, "infoHash": info_hash}
        print(json.dumps(line), flush=True)


stopping = []
signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
listener = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
listener.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
print("listening", flush=True)
while True:
    if select.select([listener], [], [], 0.1)[0]:
        data, (_, kind, direction, *_) = listener.recvfrom(1 << 17)
        if direction == PACKET_OUTGOING:
            continue
        if kind == ETH_P_IP:
            end = struct.unpack("!H", data[2:4])[0] or len(data)
            take(data[9], data[12:16], data[16:20], data[(data[0] & 15) * 4 : end])
        elif kind == ETH_P_IPV6:
            take(data[6], data[8:24], data[24:40], data[40:])
    elif stopping:
        break
pairs = [{"source": s, "destination": d, "bytes": n} for (s, d), n in payload_bytes.items()]
print(json.dumps({"payload": pairs}), flush=True)
