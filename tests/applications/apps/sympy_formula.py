"""sympy: formulas with symbols, assumptions, a matrix, and a function made from them."""

import sympy

GROUP = "unseen"
PACKAGES = ("sympy",)


class Formula:
    def __init__(self):
        self.x, self.n = sympy.Symbol("x", positive=True), sympy.Symbol("n", integer=True)
        self.area = sympy.integrate(self.x**2 * sympy.exp(-self.x), self.x)
        self.sum = sympy.Sum(1 / self.n**2, (self.n, 1, sympy.oo))
        self.matrix = sympy.Matrix([[self.x, 1], [0, self.x]])
        self.f = sympy.Function("f")
        self.number = sympy.lambdify(self.x, self.area, "math")


def build(folder):
    return Formula()


def facts(formula):
    return {
        "area": sympy.srepr(formula.area),
        "sum": str(formula.sum.doit()),
        "det": str(formula.matrix.det()),
        "f": str(formula.f(formula.x).diff(formula.x)),
        "positive": formula.x.is_positive,
    }


def use(formula, folder):
    assert formula.area.subs(formula.x, 1) == formula.area.subs(sympy.Symbol("x", positive=True), 1)
    assert round(formula.number(1.0), 6) == round(float(formula.area.subs(formula.x, 1)), 6)
    assert (formula.matrix.inv() * formula.matrix).applyfunc(sympy.simplify) == sympy.eye(2)
