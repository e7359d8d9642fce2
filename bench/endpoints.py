"""A small server for benches: every address of 127.0.0.0/8 is a health endpoint, answering after a fixed time.

`endpoints.py PORT MILLISECONDS [TCP_PORT …]`; only the standard library, so that it runs on any host.
"""

from __future__ import annotations

import collections
import contextlib
import select
import socket
import sys
import time

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{"up":1,"ok":1}'


def listening(port: int) -> socket.socket:
    server = socket.create_server(("0.0.0.0", port), backlog=4096, reuse_port=False)
    server.settimeout(0)
    return server


def serve(ports: list[int], delay: float) -> None:
    """Answer for ever. Answers leave in the order in which the requests came, each `delay` seconds later."""
    poll = select.epoll()
    servers = {server.fileno(): server for server in map(listening, ports)}
    clients: dict[int, socket.socket] = {}
    due: collections.deque[tuple[float, int]] = collections.deque()
    for number in servers:
        poll.register(number, select.EPOLLIN)
    while True:
        wait = max(0.0, due[0][0] - time.monotonic()) if due else -1
        for number, _ in poll.poll(wait, 512):
            if number in servers:
                accept(servers[number], clients, poll)
            else:
                hear(number, clients, poll, due, delay)
        while due and due[0][0] <= time.monotonic():
            answer(due.popleft()[1], clients)


def accept(server: socket.socket, clients: dict[int, socket.socket], poll: select.epoll) -> None:
    while True:
        try:
            client, _ = server.accept()
        except BlockingIOError:
            return
        client.settimeout(0)
        clients[client.fileno()] = client
        poll.register(client.fileno(), select.EPOLLIN)


def hear(
    number: int, clients: dict[int, socket.socket], poll: select.epoll, due: collections.deque, delay: float
) -> None:
    client = clients[number]
    try:
        heard = client.recv(4096)
    except OSError:
        heard = b""
    poll.unregister(number)
    if heard:
        due.append((time.monotonic() + delay, number))
    else:
        clients.pop(number).close()


def answer(number: int, clients: dict[int, socket.socket]) -> None:
    client = clients.pop(number)
    with contextlib.suppress(OSError):
        client.send(ANSWER)
    client.close()


if __name__ == "__main__":
    serve([int(sys.argv[1]), *map(int, sys.argv[3:])], int(sys.argv[2]) / 1000)
