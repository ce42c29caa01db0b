"""lark: a parser of a grammar of one's own, its tree and its transformer."""

import lark

GROUP = "unseen"
PACKAGES = ("lark",)

GRAMMAR = """
?start: sum
?sum: product | sum "+" product -> add | sum "-" product -> sub
?product: NUMBER -> number | product "*" NUMBER -> mul
%import common.NUMBER
%import common.WS
%ignore WS
"""


class Sum(lark.Transformer):
    def number(self, items):
        return int(items[0])

    def add(self, items):
        return items[0] + items[1]

    def sub(self, items):
        return items[0] - items[1]

    def mul(self, items):
        return items[0] * int(items[1])


class Calculator:
    def __init__(self):
        self.lalr = lark.Lark(GRAMMAR, parser="lalr", transformer=Sum())
        self.earley = lark.Lark(GRAMMAR, ambiguity="resolve")
        self.tree = self.earley.parse("1 + 2 * 3")


def build(folder):
    return Calculator()


def facts(calculator):
    return {"tree": calculator.tree.pretty(), "options": calculator.lalr.options.parser}


def use(calculator, folder):
    assert calculator.lalr.parse("4 * 3 - 2") == 10
    assert Sum().transform(calculator.earley.parse("1 + 2 * 3")) == 7
    assert Sum().transform(calculator.tree) == 7
    try:
        calculator.lalr.parse("4 +")
    except lark.UnexpectedInput as error:
        assert error.column
    else:
        raise AssertionError("no error")
