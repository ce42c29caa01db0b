"""Servers that take over each other's socket, while clients ask them."""

import asyncio
import socket
import threading

from appsnap import listening


def answers_over_restarts(servers, request, *, size, pauses, times, limit):
    """Restart a server as a reload does, several times. Return the ends of all answers, and the errors of the clients.

    `servers` makes two equal servers. Each client waits one of the pauses between its connection and its request.
    """
    ended = threading.Event()
    found = []

    def ask_often(port, pause):
        while not ended.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=limit) as client:
                    ended.wait(pause)
                    client.sendall(request)
                    with client.makefile("rb") as answer:
                        found.append(answer.read()[-size:])
            except OSError as error:
                found.append(error)

    async def main():
        running, other = servers()
        await running.startService()
        port = running.sockets[0].getsockname()[1]
        clients = [threading.Thread(target=ask_often, args=(port, pause)) for pause in pauses]
        for client in clients:
            client.start()
        try:
            for _ in range(times):
                await asyncio.sleep(0.05)
                duplicates = listening.duplicates()
                await running.stopService()
                listening.inherit(duplicates)
                running, other = other, running
                await running.startService()
        finally:
            ended.set()
            for client in clients:
                await asyncio.to_thread(client.join)
            await running.stopService()

    asyncio.run(main())
    return found
