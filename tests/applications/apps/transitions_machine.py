"""transitions: a machine with conditions, callbacks and nested states."""

from transitions.extensions import HierarchicalMachine

GROUP = "libraries"
PACKAGES = ("transitions",)


class Order:
    def __init__(self):
        self.paid = False
        self.log = []

    def is_paid(self):
        return self.paid

    def note(self):
        self.log.append(self.state)


def build(folder):
    order = Order()
    states = ["new", {"name": "packed", "children": ["here", "shipped"], "initial": "here"}]
    machine = HierarchicalMachine(order, states=states, initial="new", auto_transitions=False)
    machine.add_transition("pack", "new", "packed", conditions="is_paid", after="note")
    machine.add_transition("ship", "packed_here", "packed_shipped", after="note")
    return machine


def facts(machine):
    return {"state": machine.models[0].state, "triggers": sorted(machine.events)}


def use(machine, folder):
    (order,) = machine.models
    assert not order.pack()
    order.paid = True
    assert order.pack()
    assert order.ship()
    assert order.log == ["packed_here", "packed_shipped"]
