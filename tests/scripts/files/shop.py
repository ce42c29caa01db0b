from appsnap.service import Application, MultiService, Service


class Web(Service):
    def __init__(self, port):
        self.port = port


def make(name, port):
    web = Web(port)
    web.setName(name)
    return web


application = Application("shop")
make("web", 8080).setServiceParent(application)
backend = MultiService()
backend.setName("backend")
backend.setServiceParent(application)
make("mail", 2525).setServiceParent(backend)
