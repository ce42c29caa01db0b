import io
import os

import pytest

import appsnap
import zoo
from appsnap import effects
from appsnap.effects import Effect
from appsnap.errors import CannotBuild, NotTrusted
from appsnap.kinds import KINDS
from appsnap.recipe.build import build
from appsnap.recipe.moving import moved
from appsnap.recipe.steps import Call, Dict, List, Name, New, Recipe, Ref, State, Tuple, Value
from appsnap.recipe.trust import Trust, audit, obstacles, wants
from appsnap.recipe.values import connections, files

REOPEN = Name("appsnap.ways.files", "reopen")
WITH_EFFECTS = [record.name for record in (*connections.TYPES, *files.TYPES) if record.effects]


def opening(*args, **keywords):
    """Return the recipe of a file that is opened with these arguments."""
    return Recipe([REOPEN, Call(Ref(0), args, [*keywords], [*keywords.values()])], Ref(1))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the current folder, with a file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_bytes(b"data")
    return tmp_path


class TestSurvey:
    def test_many_long_paths(self, folder):
        """A path of many folders that many calls have isn't looked up each time."""
        path = Value("a/" * 2_000 + "a")
        recipe = Recipe([REOPEN, path, *[Call(Ref(0), [Ref(1)])] * 101, List([Ref(2)])], Ref(103))

        [obstacle] = obstacles(recipe)

        assert "one of many files to open" in obstacle.reason


class TestTrust:
    @pytest.mark.parametrize("text", ["appsnap.ways.files.reopen", "call:appsnap.ways.files.reopen"])
    def test_function(self, text):
        """A function that opens files isn't trusted by its name: it would open any path."""
        with pytest.raises(ValueError, match="would allow any path") as info:
            Trust([text])

        assert '"write:/var/lib/shop/*"' in str(info.value)

    def test_function_itself(self):
        """Nor is the function itself."""
        from appsnap.ways.files import reopen

        with pytest.raises(ValueError, match="would allow any path"):
            Trust([reopen])

    def test_reference(self, folder):
        """A file can't refer to the function, and hand it to something that calls it."""
        recipe = Recipe([REOPEN, List([Ref(0)])], Ref(1))

        with pytest.raises(NotTrusted, match="reopen to reference"):
            audit(recipe, Trust(["write:/*", "appsnap.*", "appsnap.ways.*"]))

    def test_partial(self, folder):
        """Nor by way of a partial."""
        partial = Name("functools", "partial")
        recipe = Recipe([REOPEN, partial, Call(Ref(1), [Ref(0), "a"]), Call(Ref(2), [])], Ref(3))

        with pytest.raises(NotTrusted):
            audit(recipe, Trust(["write:/*", "call:functools.partial"]))


class TestAudit:
    @pytest.mark.parametrize(
        ("mode", "use", "words"),
        [
            ("r", "read", "reads"),
            ("rb", "read", "reads"),
            ("r+", "write", "reads and writes"),
            ("w", "write", "writes"),
            ("xb", "write", "writes"),
            ("a", "write", "appends to"),
            ("ab+", "write", "reads and appends to"),
        ],
    )
    def test_wants(self, folder, mode, use, words):
        """An effect is a want of its own, with the path that it leads to from here."""
        [want] = wants(opening("a", mode=mode))

        assert (want.name, want.use, want.grant) == (f"{folder}/a", use, f"{use}:{folder}/a")
        assert str(want) == f"{words} {folder}/a at object"

    def test_link(self, folder):
        """The audit shows where a link leads, and the grant is for that."""
        (folder / "in").mkdir()
        (folder / "in" / "log").symlink_to("/etc/passwd")

        [want] = wants(opening("in/log", mode="a"))

        assert want.grant == "write:/etc/passwd"

    def test_error(self, folder):
        """The error has the effects after the names, and a hint that works when typed."""
        recipe = Recipe(
            [REOPEN, Call(Ref(0), ["a"]), Name("os", "getcwd"), Call(Ref(2), []), List([Ref(1), Ref(3)])], Ref(4)
        )

        with pytest.raises(
            NotTrusted, match=r"wants os.getcwd to call at object\[1\]; the file reads /.*/a at"
        ) as info:
            audit(recipe, Trust(["shop.Web"]))

        assert info.value.hint.endswith(f"with trust=['shop.Web', 'call:os.getcwd', 'read:{folder}/a']")

    def test_closed(self, folder):
        """A closed file has no effect, and needs no trust."""
        recipe = opening("/etc/shadow", mode="w", closed=True)

        assert wants(recipe) == []
        assert build(recipe, Trust()).closed

    def test_too_many(self, folder):
        """No file opens more files than a process may."""
        recipe = Recipe([REOPEN, *(Call(Ref(0), [f"/{number}"]) for number in range(1_001))], Ref(1))

        [obstacle] = obstacles(recipe)

        assert "more than 1,000" in obstacle.reason

    @pytest.mark.parametrize("kind", KINDS)
    def test_one_verdict(self, folder, kind):
        """With exactly the grants that the audit lists, the load succeeds. Each of them is needed."""
        (folder / "over").symlink_to(".")
        with open("over/a", "rb") as one, open("b", "a") as other, open("./c", "w+b") as third:
            data = appsnap.dumps([one, other, third], kind, sign=False)
        grants = [want.grant for want in appsnap.open_snapshot(io.BytesIO(data)).names]

        for file in appsnap.loads(data, trust=grants):
            file.close()
        assert len(grants) == 3
        for grant in grants:
            with pytest.raises(NotTrusted) as info:
                appsnap.loads(data, trust=[one for one in grants if one != grant])
            assert [want.grant for want in info.value.wants] == [grant]


class TestHostile:
    @pytest.mark.parametrize(
        ("args", "keywords"),
        [
            ([], {}),
            ([""], {}),
            (["a\0b"], {}),
            (["/" + "a/" * 3000], {}),
            ([b"a"], {}),
            ([1], {}),
            ([True], {}),
            ([None], {}),
            (["a", "b"], {}),
            (["a*"], {}),
            (["a"], {"mode": "rw"}),
            (["a"], {"mode": "rr"}),
            (["a"], {"mode": "U"}),
            (["a"], {"mode": ""}),
            (["a"], {"mode": "+"}),
            (["a"], {"mode": "rbt"}),
            (["a"], {"mode": b"r"}),
            (["a"], {"mode": 1}),
            (["a"], {"position": 10**30}),
            (["a"], {"position": -1}),
            (["a"], {"position": True}),
            (["a"], {"position": 1.0}),
            (["a"], {"position": 1 << 190}),
            (["a"], {"position": 9 << 64}),
            (["a"], {"position": 1 << 160}),
            (["a"], {"mode": "rb", "position": 1 << 63}),
            (["a"], {"encoding": "rot13"}),
            (["a"], {"encoding": "unicode_escape"}),
            (["a"], {"encoding": "iso2022_jp"}),
            (["a"], {"encoding": "idna"}),
            (["a"], {"encoding": "os.system"}),
            (["a"], {"encoding": 1}),
            (["a"], {"mode": "rb", "encoding": "utf-8"}),
            (["a"], {"errors": "custom"}),
            (["a"], {"newline": "x"}),
            (["a"], {"newline": 0}),
            (["a"], {"closed": 1}),
            (["a"], {"raw": "yes"}),
            (["a"], {"opener": "x"}),
            (["a"], {"path": "b"}),
            (["a"], {"compression": "zip", "mode": "rb"}),
            (["a"], {"compression": "gzip", "mode": "wb"}),
            (["a"], {"compression": "gzip", "mode": "rb", "position": 1 << 40}),
        ],
    )
    def test_arguments(self, folder, args, keywords):
        """Arguments that no open file has are refused by the audit, before anything is opened."""
        recipe = opening(*args, **keywords)

        assert "can't be granted" in obstacles(recipe)[0].reason
        with pytest.raises(NotTrusted):
            build(recipe, Trust(["write:/*"]))
        assert {path.name for path in folder.iterdir()} == {"a"}

    @pytest.mark.parametrize("name", WITH_EFFECTS)
    def test_unknown_keyword(self, name):
        """A keyword that no call of the function has is a reason of the audit, whatever the other arguments are."""
        module, _, function = name.rpartition(".")
        recipe = Recipe([Name(module, function), Call(Ref(0), ["a"], ["fileno"], [0])], Ref(1))

        (found,) = obstacles(recipe)

        assert found.reason == "has an effect that can't be granted: it takes no keyword fileno"

    @pytest.mark.parametrize(
        "made",
        [List(["a"]), Tuple(["a"]), Dict(["a"], ["a"]), Name("pathlib", "PurePath"), Value(b"a" * 100)],
    )
    def test_path_that_is_no_text(self, folder, made):
        """The path of an effect is a text of the file, so that the audit sees it."""
        recipe = Recipe([REOPEN, made, Call(Ref(0), [Ref(1)])], Ref(2))

        assert any("can't be granted" in one.reason for one in obstacles(recipe))

    def test_long_path(self, folder):
        """A long text is seen, too."""
        recipe = Recipe([REOPEN, Value("./" * 50 + "a"), Call(Ref(0), [Ref(1)])], Ref(2))

        assert [want.grant for want in wants(recipe)] == [f"read:{folder}/a"]

    @pytest.mark.parametrize("path", ["/dev/zero", "/dev/tty", "pipe", "/proc/self/mem", "."])
    def test_no_regular_file(self, folder, path):
        """Nothing but regular files is opened, and nothing waits."""
        os.mkfifo("pipe")

        for mode in ("rb", "wb", "ab+"):
            with pytest.raises((CannotBuild, NotTrusted)):
                build(opening(path, mode=mode), Trust([f"write:{folder}/*", "write:/dev/*", f"write:{folder}"]))

    def test_link_after_the_audit(self, folder, monkeypatch):
        """A link that is put into the path after the audit leads to an error with the real path."""
        recipe = opening("b")
        (folder / "b").symlink_to("/etc/passwd")
        # The audit saw another file there.
        monkeypatch.setattr(effects, "on_path", lambda use, _path, does="": Effect(use, f"{folder}/b", does))

        with pytest.raises(NotTrusted, match="reads /etc/passwd at object") as info:
            build(recipe, Trust([f"read:{folder}/*"]))

        assert "leads there by now" in info.value.hint

    @pytest.mark.parametrize("over", [Name("os", "getcwd"), Tuple([]), List([]), Dict([], [])])
    def test_text_over_anything(self, over):
        """A text file is made over a file of bytes alone: it calls methods of the thing below."""
        name = Name("appsnap.ways.files", "text_over")
        recipe = Recipe([name, over, Call(Ref(0), [Ref(1)], ["encoding"], ["utf-8"])], Ref(2))

        with pytest.raises((CannotBuild, NotTrusted)):
            build(recipe, Trust(["os.getcwd"]))


class TestMoved:
    @pytest.mark.parametrize(
        ("folders", "path"),
        [
            ({"/home/a": "/srv/a"}, "/srv/a/b/c"),
            ({"/home/a/": "/srv/a/"}, "/srv/a/b/c"),
            ({"/home/a/b/c": "/d"}, "/d"),
            ({"/home": "/x", "/home/a/b": "/y"}, "/y/c"),
            ({"/home/a": "b"}, "b/b/c"),
            ({"/home/a": "/" + "long/" * 30}, "/" + "long/" * 30 + "b/c"),
            ({"/": "/chroot"}, "/chroot/home/a/b/c"),
        ],
    )
    def test_paths(self, folders, path):
        """A path goes with its folder, the longest one that is named."""
        recipe, used = moved(opening("/home/a/b/c", mode="a"), folders)

        assert used <= set(folders)
        call = recipe.steps[-1]
        found = call.args[0] if type(call.args[0]) is str else recipe.steps[1].value
        assert (found, call.values) == (path, ["a"])

    @pytest.mark.parametrize("folder", ["/home/ab", "/hom", "home/a", "/home/a/b/c/d"])
    def test_parts(self, folder):
        """Only whole parts of a path are moved."""
        recipe = opening("/home/a/b/c")

        assert moved(recipe, {folder: "/x"}) == (recipe, set())

    def test_everywhere(self):
        """An object that knows the path of its open file, and opens it again, knows the new one."""
        long = "/home/" + "a" * 100
        steps = [REOPEN, Value(long), Call(Ref(0), [Ref(1)]), List([Ref(1), Ref(2), "/home/b"])]

        recipe, _ = moved(Recipe(steps, Ref(3)), {long: "/srv/a"})

        assert recipe.steps[-1].items[::2] == ["/srv/a", "/home/b"]

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("end", ["", "/"])
    def test_folder(self, folder, kind, end):
        """An object that knows the folder of its open file knows the new one. Other objects keep the old one."""
        (folder / "new").mkdir()
        (folder / "new" / "a").write_bytes(b"new")
        log, other = zoo.Node(), zoo.Node()
        log.directory, log.path, log.above = f"{folder}{end}", f"{folder}/a", str(folder.parent)
        other.directory = f"{folder}"
        with open(log.path, "rb") as log.file:
            data = appsnap.dumps([log, other], kind, sign=True)

        log, other = appsnap.open_snapshot(io.BytesIO(data)).moved({str(folder): f"{folder}/new"}).build()

        with log.file as file:
            assert file.name == log.path == f"{folder}/new/a"
        assert (log.directory, log.above) == (f"{folder}/new", str(folder.parent))
        assert other.directory == f"{folder}"

    @pytest.mark.parametrize(("length", "is_moved"), [(4_000, True), (5_000, False)])
    def test_long(self, length, is_moved):
        """A text that is too long for a path is the folder of no file: many objects may refer to it."""
        inside = "/home" + "/a" * (length // 2)
        steps = [
            REOPEN,
            Call(Ref(0), [f"{inside}/b"]),
            Name("zoo", "Node"),
            New(Ref(2), []),
            State(Ref(3), ["at", "path"], [f"{inside}/", f"{inside}/b"]),
        ]

        recipe, _ = moved(Recipe(steps, Ref(3)), {"/home": "/srv"})

        texts = {step.value for step in recipe.steps if type(step) is Value} | {*recipe.steps[-1].values}
        assert (f"{inside}/" in texts, inside.replace("/home", "/srv") in texts) == (not is_moved, is_moved)

    @pytest.mark.parametrize("kind", KINDS)
    def test_snapshot(self, folder, kind):
        """A snapshot with moved files opens them, and is saved with the new paths."""
        (folder / "new").mkdir()
        (folder / "new" / "a").write_bytes(b"new")
        with open(folder / "a", "rb") as file:
            data = appsnap.dumps({"same": [file, file], "other": {1, 2}}, kind, sign=True)
        notes = []

        snapshot = appsnap.open_snapshot(io.BytesIO(data)).moved(
            {str(folder): f"{folder}/new", "/x": "/y"}, notes=notes
        )
        snapshot.save("moved", kind=kind)

        assert notes == ["the snapshot has no open file in /x"]
        for restored in (snapshot.build(), appsnap.load("moved")):
            one, other = restored["same"]
            with one:
                assert one is other
                assert one.read() == b"new"
