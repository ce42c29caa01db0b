"""injector: a container of objects, with modules, singletons and providers."""

from injector import Injector, Module, inject, provider, singleton

GROUP = "unseen"
PACKAGES = ("injector",)


class Settings:
    def __init__(self):
        self.name = "shop"


class Database:
    def __init__(self, name):
        self.name, self.rows = name, []


@singleton
class Orders:
    @inject
    def __init__(self, database: Database, settings: Settings):
        self.database, self.settings = database, settings


class Parts(Module):
    def configure(self, binder):
        binder.bind(Settings, to=Settings, scope=singleton)

    @singleton
    @provider
    def database(self, settings: Settings) -> Database:
        return Database(settings.name + ".db")


def build(folder):
    container = Injector([Parts()])
    container.get(Orders).database.rows.append(1)
    return container


def facts(container):
    return {"rows": container.get(Orders).database.rows, "one": container.get(Orders) is container.get(Orders)}


def use(container, folder):
    assert container.get(Database) is container.get(Orders).database
    child = container.create_child_injector()
    assert child.get(Orders) is container.get(Orders)
    assert container.create_object(Orders).database.name == "shop.db"
