"""python-statemachine: a machine in the middle of its states, with guards and actions."""

from statemachine import State, StateMachine

GROUP = "unseen"
PACKAGES = ("python-statemachine",)


class Order(StateMachine):
    draft = State(initial=True)
    paid = State()
    sent = State(final=True)

    pay = draft.to(paid, cond="enough")
    send = paid.to(sent)

    def __init__(self, money):
        self.money = money
        self.log = []
        super().__init__()

    def enough(self):
        return self.money >= 10

    def on_pay(self):
        self.log.append("paid")

    def on_enter_sent(self):
        self.log.append("sent")


def build(folder):
    order = Order(12)
    order.pay()
    return order


def facts(order):
    return {"log": order.log, "paid": order.paid.is_active, "events": [str(one) for one in order.allowed_events]}


def use(order, folder):
    order.send()
    assert order.log == ["paid", "sent"]
    assert order.sent.is_active
