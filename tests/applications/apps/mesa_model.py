"""mesa: a model of agents on a grid in the middle of its run, with its random numbers and its collector of data."""

import mesa
from mesa.datacollection import DataCollector
from mesa.space import MultiGrid

GROUP = "data"
PACKAGES = ("mesa",)


class Trader(mesa.Agent):
    def __init__(self, model):
        super().__init__(model)
        self.wealth = 1

    def step(self):
        steps = self.model.grid.get_neighborhood(self.pos, moore=True)
        self.model.grid.move_agent(self, self.random.choice(steps))
        others = [one for one in self.model.grid.get_cell_list_contents([self.pos]) if one is not self]
        if others and self.wealth:
            self.random.choice(others).wealth += 1
            self.wealth -= 1


def richest(model):
    return max(agent.wealth for agent in model.agents)


class Market(mesa.Model):
    def __init__(self, seed):
        super().__init__(seed=seed)
        self.grid = MultiGrid(4, 4, torus=True)
        self.datacollector = DataCollector({"richest": richest}, {"wealth": "wealth"})
        for _ in range(12):
            self.grid.place_agent(Trader(self), (self.random.randrange(4), self.random.randrange(4)))

    def step(self):
        self.agents.shuffle_do("step")
        self.datacollector.collect(self)


def build(folder):
    market = Market(7)
    for _ in range(5):
        market.step()
    return market


def facts(market):
    return {
        "wealth": [agent.wealth for agent in market.agents],
        "places": [list(agent.pos) for agent in market.agents],
        "steps": market.steps,
        "richest": market.datacollector.model_vars["richest"],
    }


def use(market, folder):
    for _ in range(5):
        market.step()
    fresh = Market(7)
    for _ in range(10):
        fresh.step()
    assert facts(market) == facts(fresh)
