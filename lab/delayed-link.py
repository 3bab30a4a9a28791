#!/usr/bin/python3
"""A link between two network namespaces on which every packet is so many milliseconds on its way, as netem has it,
which not every kernel does. Arguments: the milliseconds, and twice a namespace and the name of its device. "ready" on
standard output says that both devices are there. When standard input ends, so does this."""
import collections
import ctypes
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
PACKET_BYTES = 65536
# Packets that are read or written before the other direction has its turn.
BATCH = 64

libc = ctypes.CDLL(None, use_errno=True)


def open_device(namespace, name):
    """Makes a device in a namespace. Returns what reads and writes its packets."""
    with open(f"/run/netns/{namespace}") as file:
        if libc.setns(file.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


class Way:
    """One of the two directions."""

    def __init__(self, source, target, seconds):
        self.source = source
        self.target = target
        self.seconds = seconds
        self.waiting = collections.deque()

    def read(self):
        due = time.monotonic() + self.seconds
        for _ in range(BATCH):
            try:
                self.waiting.append((due, os.read(self.source, PACKET_BYTES)))
            except OSError:
                # Nothing to be read, or the device is down.
                return

    def write(self, now):
        while self.waiting and self.waiting[0][0] <= now:
            try:
                os.write(self.target, self.waiting.popleft()[1])
            except OSError:
                # A device that is down or full drops it.
                pass

    def rest(self, now):
        """Seconds until the next packet is due."""
        return max(0, self.waiting[0][0] - now) if self.waiting else None


def main():
    milliseconds, *ends = sys.argv[1:]
    one, other = (open_device(*ends[i : i + 2]) for i in (0, 2))
    seconds = int(milliseconds) / 1000
    ways = {one: Way(one, other, seconds), other: Way(other, one, seconds)}
    print("ready", flush=True)
    poll = select.epoll()
    for file in (*ways, sys.stdin.fileno()):
        poll.register(file, select.EPOLLIN)
    while True:
        now = time.monotonic()
        rests = [rest for way in ways.values() if (rest := way.rest(now)) is not None]
        for file, _ in poll.poll(min(rests, default=-1)):
            if file not in ways:
                return
            ways[file].read()
        for way in ways.values():
            way.write(time.monotonic())


main()
