import json

import appsnap
from appsnap.cli.app import run


class TestJson:
    """`appsnap show --json`."""

    def shown(self, value, folder, capsys):
        """Return the text that `show` prints for a value."""
        path = folder / "x.tap"
        appsnap.save(value, path, sign=False)
        assert run(["show", "--json", str(path)]) == 0
        return json.loads(capsys.readouterr().out)

    def test_nodes(self, tmp_path, capsys):
        """Nodes are in order, each after the one that it was found in; the last parts are the root and the nodes."""
        shown = self.shown({"a": [[number] for number in range(1_500)], "b": {}}, tmp_path, capsys)

        assert [*shown][-3:] == ["names", "root", "nodes"]
        paths = [node["path"] for node in shown["nodes"]]
        assert paths[:4] == ["object", 'object["a"]', 'object["b"]', 'object["a"][0]']
        assert paths[-1] == 'object["a"][1499]'
        assert shown["nodes"][-1]["parent"] == shown["nodes"][1]["id"]
        assert shown["root"] == {"ref": shown["nodes"][0]["id"]}
        assert len(shown["nodes"]) == 1_503

    def test_long_paths(self, tmp_path, capsys):
        """A path of more than 200 characters isn't there, and would otherwise be there for each of very many nodes."""
        value = [[] for _ in range(1_000)]
        for _ in range(10):
            value = {"k" * 60: value}

        shown = self.shown(value, tmp_path, capsys)

        paths = [node["path"] for node in shown["nodes"]]
        assert len(paths) == 1_011
        assert [len(path) for path in paths if path is not None] == [6, 68, 130, 192]
        assert len(json.dumps(shown)) < 120_000
