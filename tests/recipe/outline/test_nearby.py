import pytest

from appsnap import EVERYTHING, CannotBuild, code, dumps, loads
from appsnap.kinds import KINDS


class Bad:
    def __reduce__(self):
        return int, ("x",)


@pytest.mark.parametrize("kind", KINDS)
class TestNearest:
    def test_part_of_a_class(self, kind):
        """An error in a class that the file makes has the path of an object of that class."""
        cls = type("Made", (), {"bad": Bad()})
        data = dumps({"a": 1, "it": [cls()]}, kind)
        code._alive.clear()

        with pytest.raises(CannotBuild, match=r'cannot build object\["it"\]\[0\] \(builtins.int\)'):
            loads(data, trust=EVERYTHING)

    def test_attributes_of_a_class(self, kind, monkeypatch):
        """So has an error of the call that gives a class its attributes."""
        data = dumps({"it": type("Made", (), {"x": 1})()}, kind)

        def finish(cls, state):
            raise ValueError("no")

        monkeypatch.setattr(code, "finish", finish)
        with pytest.raises(CannotBuild, match=r'cannot build object\["it"\] \(appsnap.code.finish\): ValueError: no'):
            loads(data, trust=EVERYTHING)

        monkeypatch.delattr(code, "finish")
        with pytest.raises(CannotBuild, match=r'cannot build object\["it"\] \(appsnap.code.finish\): AttributeError'):
            loads(data, trust=EVERYTHING)
