"""strawberry: a GraphQL schema with types, an enumeration, a mutation, a subscription and a limit of the depth."""

import enum
from collections.abc import AsyncGenerator

import strawberry
from strawberry.asgi import GraphQL
from strawberry.extensions import QueryDepthLimiter

GROUP = "services"
PACKAGES = ("strawberry-graphql", "graphql-core", "starlette")
STRANGER = "has no 'parse_literal'"


@strawberry.enum
class Sort(enum.Enum):
    TEA = "tea"
    OIL = "oil"


@strawberry.type
class Item:
    name: str
    sort: Sort

    @strawberry.field
    def title(self) -> str:
        return self.name.title()

    @strawberry.field
    def next(self) -> "Item":
        return Item(name=f"{self.name} two", sort=self.sort)


@strawberry.type
class Query:
    @strawberry.field
    def item(self, name: str = "tea") -> Item | None:
        return Item(name=name, sort=Sort.TEA)


@strawberry.type
class Mutation:
    @strawberry.mutation
    def add(self, name: str) -> Item:
        return Item(name=name, sort=Sort.OIL)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int = 2) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number


class Shop:
    def __init__(self):
        limits = [QueryDepthLimiter(max_depth=3)]
        self.schema = strawberry.Schema(Query, Mutation, Subscription, extensions=limits)
        self.app = GraphQL(self.schema)


def build(folder):
    shop = Shop()
    result = shop.schema.execute_sync("{ item { title sort next { title } } }")
    assert result.data == {"item": {"title": "Tea", "sort": "TEA", "next": {"title": "Tea Two"}}}
    return shop


def facts(shop):
    return {"schema": shop.schema.as_str(), "same": shop.app.schema is shop.schema}


async def use(shop, folder):
    result = await shop.schema.execute('mutation { add(name: "oil") { title sort next { title } } }')
    assert result.data == {"add": {"title": "Oil", "sort": "OIL", "next": {"title": "Oil Two"}}}
    found = [one.data["count"] async for one in await shop.schema.subscribe("subscription { count }")]
    assert found == [0, 1]
    result = await shop.schema.execute("{ item { next { next { next { next { title } } } } } }")
    assert "depth" in str(result.errors[0])
