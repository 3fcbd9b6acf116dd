"""Calls a port again and again until told to stop; prints how many calls came in, how many were refused."""

import signal
import socket
import sys
import threading

stopped = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopped.set())
came = refused = 0
while not stopped.wait(0.1):
    try:
        socket.create_connection((sys.argv[1], int(sys.argv[2])), 30).close()
        came += 1
    except ConnectionError:
        refused += 1
print(came, refused)
