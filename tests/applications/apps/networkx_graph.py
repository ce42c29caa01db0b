"""networkx: a graph of roads with weights, a directed graph of tasks, a view of a part."""

import networkx as nx

GROUP = "data"
PACKAGES = ("networkx",)


class Map:
    def __init__(self):
        self.roads = nx.Graph(name="roads")
        self.tasks = nx.DiGraph()
        self.shifts = nx.MultiDiGraph()


def build(folder):
    town = Map()
    town.roads.add_weighted_edges_from([("a", "b", 4), ("b", "c", 1), ("a", "c", 6), ("c", "d", 3)])
    nx.add_path(town.tasks, ["dig", "pour", "build"], hours=2)
    town.shifts.add_edge(1, 2, key="night", n=3)
    town.near = town.roads.subgraph(["a", "b", "c"])
    nx.shortest_path(town.roads, "a", "d", weight="weight")
    return town


def facts(town):
    return {
        "roads": sorted(map(list, town.roads.edges(data="weight"))),
        "name": town.roads.name,
        "near": sorted(town.near.nodes),
        "order": [*nx.topological_sort(town.tasks)],
        "shifts": town.shifts.number_of_edges(),
    }


def use(town, folder):
    assert nx.shortest_path(town.roads, "a", "d", weight="weight") == ["a", "b", "c", "d"]
    town.roads.add_edge("a", "d", weight=1)
    assert nx.shortest_path_length(town.roads, "a", "d", weight="weight") == 1
    assert len(town.near) == 3
