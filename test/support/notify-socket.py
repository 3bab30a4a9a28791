"""Listens on a unix datagram socket, as a service manager does; writes each datagram as a line of JSON.

The argument is its path; one that begins with @ is an abstract name."""
import json
import socket
import sys

path = sys.argv[1]
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
    receiver.bind("\0" + path[1:] if path.startswith("@") else path)
    print(json.dumps("listening"), flush=True)
    while True:
        print(json.dumps(receiver.recv(65536).decode()), flush=True)
