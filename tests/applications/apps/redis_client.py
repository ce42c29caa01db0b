"""redis: a client with its pool, a pipeline, a lock; a server that answers on 127.0.0.1."""

import socket
import threading

import redis

GROUP = "libraries"
PACKAGES = ("redis",)


def build(folder):
    client = redis.Redis(host="127.0.0.1", port=1, decode_responses=True, protocol=2, client_name=None)
    return {"client": client, "lock": client.lock("shop", timeout=5)}


def facts(application):
    options = application["client"].connection_pool.connection_kwargs
    return {"port": options["port"], "decodes": options["decode_responses"], "lock": application["lock"].name}


def answer(listening):
    connection, _ = listening.accept()
    with connection, connection.makefile("rwb") as stream:
        while line := stream.readline():
            words = [stream.read(int(stream.readline()[1:]) + 2)[:-2] for _ in range(int(line[1:]))]
            stream.write(b"$3\r\nAda\r\n" if words[0].upper() == b"GET" else b"+OK\r\n")
            stream.flush()


def use(application, folder):
    client = application["client"]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=answer, args=[listening])
        server.start()
        pool = client.connection_pool
        pool.connection_kwargs["port"] = listening.getsockname()[1]
        assert client.get("name") == "Ada"
        client.close()
        pool.disconnect()
        pool.reset()
        pool.connection_kwargs["port"] = 1
        server.join()
