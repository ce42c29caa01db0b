import pytest

from appsnap import EVERYTHING, CannotBuild, dumps, loads
from appsnap.code import skeletons
from appsnap.kinds import KINDS


class Bad:
    def __reduce__(self):
        return int, ("x",)


@pytest.mark.parametrize("kind", KINDS)
class TestPaths:
    def test_part_of_a_class(self, kind):
        """An error in a class that the file makes has the path of an object of that class."""
        cls = type("Made", (), {"bad": Bad()})
        data = dumps({"a": 1, "it": [cls()]}, kind)
        skeletons._alive.clear()

        with pytest.raises(CannotBuild, match=r'cannot build object\["it"\]\[0\]\.__class__\..* \(builtins.int\)'):
            loads(data, trust=EVERYTHING)

    def test_attributes_of_a_class(self, kind, monkeypatch):
        """So has an error of the call that gives a class its attributes."""
        data = dumps({"it": type("Made", (), {"x": 1})()}, kind)

        place = r'cannot build object\["it"\]\.__class__ filled by \(appsnap.code.skeletons.finish\)'
        # The C unpickler tells only which objects it has made. The error is told of the last one, the class.
        last_made = r'cannot build object\["it"\] \(<code>\.Made\)' if kind == "pickle" else place

        def finish(cls, state):
            raise ValueError("no")

        monkeypatch.setattr(skeletons, "finish", finish)
        with pytest.raises(CannotBuild, match=f"{last_made}: ValueError: no"):
            loads(data, trust=EVERYTHING)

        monkeypatch.delattr(skeletons, "finish")
        with pytest.raises(CannotBuild, match=f"{place}: AttributeError"):
            loads(data, trust=EVERYTHING)
