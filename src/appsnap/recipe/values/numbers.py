"""Numbers: complex numbers, Decimals and Fractions; and Python's number types, to which any snapshot may refer."""

from __future__ import annotations

import decimal
import fractions
import re
from typing import Any

from appsnap.recipe.values.arguments import call, check, of
from appsnap.recipe.values.registry import ValueType

__all__ = ["BITS", "BYTES", "TYPES", "conversion"]

BITS = 32
"""Bits of a large integer that take as long as one item of a tuple: to hash an item takes about 40 ns, and to hash a
Fraction of a million bits 700 µs."""

BYTES = 8
"""Bytes of a text or a Decimal that take as long as one item: to hash a pattern of 100,000 letters takes 460 µs."""


def conversion(number: int) -> int:
    """Return the cost of making an integer a Decimal, in items. It grows with the square of its length."""
    words = number.bit_length() // BITS
    return words + words**2 // 100


def _make_fraction(args: tuple[Any, ...]) -> fractions.Fraction:
    if len(args) == 1 and type(args[0]) is str:
        # Fraction("1e99999999") would compute the number.
        check(re.fullmatch(r"-?[0-9]{1,4000}(/[0-9]{1,4000})?", args[0]), "takes two whole numbers")
    else:
        of(int, least=2, most=2)(args)
        # Their common divisor takes quadratic time.
        check(all(number.bit_length() <= 200_000 for number in args), "takes numbers of at most 60,000 digits")
    return fractions.Fraction(*args)


TYPES = (
    ValueType(name="builtins.bool", cls=bool, inherited=of(int, float, bool, most=1), plain=True),
    ValueType(name="builtins.int", cls=int, inherited=of(int, float, bool, most=1), plain=True),
    ValueType(name="builtins.float", cls=float, inherited=of(int, float, bool, most=1), plain=True),
    ValueType(
        name="builtins.complex",
        cls=complex,
        reduce=lambda value: (complex, (value.real, value.imag)),
        make=call(complex, int, float, least=1, most=2),
        plain=True,
    ),
    ValueType(
        name="decimal.Decimal",
        cls=decimal.Decimal,
        reduce=lambda value: (decimal.Decimal, (str(value),)),
        make=call(decimal.Decimal, str, least=1, most=1),
        compared=lambda value: value.__sizeof__() // BYTES,
        converts_integers=True,
        plain=True,
    ),
    ValueType(
        name="fractions.Fraction",
        cls=fractions.Fraction,
        reduce=lambda value: (fractions.Fraction, (value.numerator, value.denominator)),
        make=_make_fraction,
        # A Decimal is compared with both.
        compared=lambda value: conversion(value.numerator) + conversion(value.denominator),
        plain=True,
    ),
)
