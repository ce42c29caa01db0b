"""streamz: a pipeline of streams with windows, sums and branches."""

import streamz

GROUP = "unseen"
PACKAGES = ("streamz",)


def total(before, number):
    return before + number


class Pipe:
    def __init__(self):
        self.sums, self.pairs = [], []
        self.source = streamz.Stream(stream_name="numbers")
        evens = self.source.filter(is_even).map(half)
        evens.accumulate(total, start=0).sink(self.sums.append)
        evens.partition(2).sink(self.pairs.append)
        self.source.sliding_window(2, return_partial=False).map(sum).sink_to_list()


def is_even(number):
    return number % 2 == 0


def half(number):
    return number // 2


def build(folder):
    pipe = Pipe()
    for number in range(7):
        pipe.source.emit(number)
    return pipe


def facts(pipe):
    return {"sums": pipe.sums, "pairs": pipe.pairs, "branches": len(pipe.source.downstreams)}


def use(pipe, folder):
    pipe.source.emit(8)
    assert pipe.sums == [0, 1, 3, 6, 10]
    pipe.source.emit(10)
    assert pipe.pairs[-1] == (4, 5)
