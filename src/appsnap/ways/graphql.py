"""GraphQL: named types refer to each other in cycles, which the `__reduce__` of their class can't say."""

from __future__ import annotations

from typing import Any

from appsnap.ways import by_name, objects, saves


# The built-in types are compared by `is`. They are in modules, under their names.
@saves("graphql.type.definition.GraphQLNamedType", subclasses=True, by_name=True)
def _(named: Any) -> Any:
    return objects.take_apart((), named)


by_name("graphql.type.directives.GraphQLDirective")
