"""grpc: a server of asyncio with a handler."""

import grpc.aio

GROUP = "libraries"
PACKAGES = ("grpcio",)
IN_LOOP = True
REFUSED = "grpc"


async def hello(request, context):
    return b"hello " + request


class Greeter:
    def __init__(self):
        self.server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(hello)
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("greeter", {"Hello": handler}),))
        self.port = self.server.add_insecure_port("127.0.0.1:0")


def build(folder):
    return Greeter()


def facts(greeter):
    return {"listens": greeter.port > 0}


async def use(greeter, folder):
    await greeter.server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{greeter.port}") as channel:
        assert await channel.unary_unary("/greeter/Hello")(b"you") == b"hello you"
    await greeter.server.stop(None)
