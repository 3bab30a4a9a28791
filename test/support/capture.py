#!/usr/bin/python3
"""Listens in on every TCP connection to one port, on all interfaces of its network namespace (IPv4).

When it is told to stop, prints a JSON line {"client", "request", "response"} for each connection it has seen begin, in
that order; bytes in hexadecimal, in the order of TCP.
"""
import json
import select
import signal
import socket
import struct
import sys

ETH_P_ALL, ETH_P_IP, SYN, SO_RCVBUFFORCE = 3, 0x0800, 0x02, 33
port = int(sys.argv[1])
flows = {}


class Half:
    """One direction of a connection."""

    def __init__(self):
        self.first = None
        self.parts = {}

    def take(self, sequence, flags, payload):
        if flags & SYN:
            self.first = (sequence + 1) % 2**32
        if self.first is None:
            return
        at = (sequence - self.first) % 2**32
        if payload and len(payload) > len(self.parts.get(at, b"")):
            self.parts[at] = payload

    def bytes(self):
        whole = b""
        for at in sorted(self.parts):
            if at > len(whole):
                break
            whole = whole[:at] + self.parts[at]
        return whole


def take(packet):
    header = (packet[0] & 15) * 4
    if packet[9] != socket.IPPROTO_TCP:
        return
    tcp = packet[header : struct.unpack("!H", packet[2:4])[0] or len(packet)]
    source, destination, sequence = struct.unpack("!HHI", tcp[:8])
    if port not in (source, destination):
        return
    flags, payload = tcp[13], tcp[(tcp[12] >> 4) * 4 :]
    upward = destination == port
    address = socket.inet_ntoa(packet[12:16] if upward else packet[16:20])
    client = (address, source if upward else destination)
    if client not in flows:
        flows[client] = (Half(), Half())
    flows[client][0 if upward else 1].take(sequence, flags, payload)


stopping = []
signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
listener = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
# As root, beyond the system's maximum: packets wait here while this program gets no processor time.
listener.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
print("listening", flush=True)
# When it is told to stop, it first reads the packets that have arrived.
while True:
    if select.select([listener], [], [], 0.1)[0]:
        data, origin = listener.recvfrom(1 << 17)
        if origin[1] == ETH_P_IP:
            take(data)
    elif stopping:
        break
for (address, _), (request, response) in flows.items():
    line = {"client": address, "request": request.bytes().hex(), "response": response.bytes().hex()}
    print(json.dumps(line), flush=True)
