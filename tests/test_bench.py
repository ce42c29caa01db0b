import contextlib
import copy
import dataclasses
import gc
import importlib.util
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import appsnap
from bench import child, measure, ours, running, table
from bench.aims import AIMS, Aim, judged
from bench.commands import COMMANDS, TITLES
from bench.measure import Cell, Run
from bench.parts import SHAPES, walked
from bench.plan import SHOWN, WORKLOADS, workload_named
from bench.subject import Subject
from bench.workloads import GRAPH, MIXED, SERVICES

pytestmark = pytest.mark.slow

TOOLS = Path(__file__).parents[1] / "tools"
AUDITED = ours.AUDITED[0].name
FLOOR = "write and read alone"
HAS_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None

FIGURES = {
    ("services-1e4", "appsnap pickle", "save"): Cell([1.0, 3.0, 6.0], [5_000_000, 7_000_000, 6_000_000]),
    ("services-1e4", "cloudpickle", "save"): Cell([1.0, 2.0, 3.0]),
    ("services-1e6", "appsnap pickle", "save"): Cell([100.0, 300.0]),
    ("services-1e6", "pickle", "save"): Cell(word="too deep"),
}
DRAWN = {
    ("deep-1e6", "appsnap pickle", "save"): Cell([2.0]),
    ("deep-1e6", "appsnap xml", "save"): Cell([6.0]),
    ("deep-1e6", "pickle", "save"): Cell(word="too deep"),
}


def rows(text):
    """Return the rows of all tables in Markdown, by the head of the table and their own."""
    found, title = {}, None
    for line in text.splitlines():
        if not line.startswith("|"):
            title = None
            continue
        first, *others = (part.strip() for part in line.strip("|").split("|"))
        title = title or first.partition(";")[0]
        found[title, first.partition(";")[0]] = others
    return found


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """Run everything at small sizes, in a minute; return the folder and the output."""
    folder = tmp_path_factory.mktemp("bench")
    (folder / "temporary").mkdir()
    command = [sys.executable, "-m", "bench", "--quick", "--json", folder / "figures.json", "--docs", folder]
    environment = os.environ | {"PYTHONPATH": str(TOOLS), "TMPDIR": str(folder / "temporary")}

    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr
    return folder, result.stdout


@pytest.mark.timeout(1200)  # on a busy machine, a run at small sizes takes several minutes
class TestWhole:
    def test_has_every_row(self, output):
        """Each subject has a row in the table of its workload, with figures or a word. So has each aim."""
        _, text = output
        found = rows(text)

        for workload in WORKLOADS:
            for subject in workload.subjects:
                assert "".join(found[workload.title, subject.name]), (workload.name, subject.name)
        for command in COMMANDS:
            assert found[TITLES[command.row], command.name][1], command.name
        assert text.count(" | ≤ ") + text.count(" | works | ") == len(AIMS)

    def test_has_figures_for_what_is_installed(self, output):
        """appsnap, pickle and all installed peers are measured; missing peers have a word."""
        folder, _ = output
        cells = json.loads((folder / "figures.json").read_text())["cells"]

        for cell in cells:
            place = (cell["workload"], cell["subject"], cell["act"])
            if cell["workload"] in TITLES:
                assert len(cell["seconds"]) == 1, place
                continue
            subject = workload_named(cell["workload"]).subject(cell["subject"])
            if subject.is_missing:
                assert cell["word"] == "missing", place
            elif (
                cell["subject"].startswith(("appsnap", "ChaCha20", "write and read")) and "mmap" not in cell["subject"]
            ):
                assert cell["seconds"], place
                assert min(cell["seconds"]) > 0, place
        words = {(cell["workload"], cell["subject"], cell["act"]): cell["word"] for cell in cells}
        assert words["deep-1e6", "pickle", "save"] == "too deep"
        assert words["services-1e4", "Twisted aot", "load"] == ""
        installed = not workload_named("mixed-1e4").subject("jsonpickle").is_missing
        assert words["mixed-1e4", "jsonpickle", "load"] == ("" if installed else "missing")

    def test_has_sizes_of_what_was_saved(self, output):
        """Each save has the number of its bytes. Compressed, they are fewer."""
        folder, _ = output
        cells = json.loads((folder / "figures.json").read_text())["cells"]
        sizes = {(cell["workload"], cell["subject"]): cell["size"] for cell in cells if cell["act"] == "save"}

        assert sizes["array", FLOOR] == workload_named("array").quick
        assert sizes["mixed-1e4", "pickle, collector off"] == sizes["mixed-1e4", "pickle"]
        assert sizes["mixed-1e4", "pickle, zstd"] < sizes["mixed-1e4", "pickle"]
        assert sizes["mixed-1e4", "appsnap msgpack, compressed"] < sizes["mixed-1e4", "appsnap msgpack"]

    def test_writes_the_papers_and_leaves_nothing_else(self, output):
        """The table that was printed is in the folder of papers, with the plot; the data is gone."""
        folder, text = output

        assert (folder / "performance-table.md").read_text() == text.rstrip("\n") + "\n"
        assert (folder / "performance.png").exists() is HAS_MATPLOTLIB
        assert not list((folder / "temporary").glob("appsnap-bench-*"))


class TestOptions:
    def test_only(self, tmp_path):
        """With --only, nothing but those rows is measured, and no papers are written that weren't asked for."""
        command = [sys.executable, "-m", "bench", "--only", "cold", "--only", "services-1e2", "--runs", "2", "--quick"]

        result = subprocess.run(
            [*command, "--json", "figures.json"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(TOOLS)},
            capture_output=True,
            text=True,
            check=True,
        )

        cells = json.loads((tmp_path / "figures.json").read_text())["cells"]
        assert {cell["workload"] for cell in cells} == {"cold", "services-1e2"}
        assert {len(cell["seconds"]) for cell in cells if not cell["word"]} == {2}
        assert {title for title, _ in rows(result.stdout)} == {"measurement", "cold start", "100 services"}
        assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]

    @pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
    def test_ended_from_outside(self, tmp_path):
        """A run that is told to end takes its data and the process that it is measuring with it."""
        command = [sys.executable, "-m", "bench", "--only", "services-1e6"]
        environment = os.environ | {"PYTHONPATH": str(TOOLS), "TMPDIR": str(tmp_path)}

        def is_measured(child):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # another child has just ended
                return b"bench.child" in Path(f"/proc/{child}/cmdline").read_bytes()
            return False

        with subprocess.Popen(command, env=environment) as process:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            # Until it has become the measured process, the child isn't known to the run.
            while not (child := children.read_text().split()) or not is_measured(child[0]):
                time.sleep(0.05)
            assert list(tmp_path.glob("appsnap-bench-*"))
            process.terminate()

        assert process.returncode == 128 + signal.SIGTERM
        assert not list(tmp_path.iterdir())
        assert not Path(f"/proc/{child[0]}").exists()

    def test_project(self, tmp_path):
        """With --project, the commands and the subjects are those of that folder."""
        package = tmp_path / "src" / "appsnap"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise SystemExit(7)")
        command = [sys.executable, "-m", "bench", "--only", "cold", "--only", "services-1e2", "--quick"]

        result = subprocess.run(
            [*command, "--project", tmp_path, "--json", tmp_path / "figures.json"],
            env=os.environ | {"PYTHONPATH": str(TOOLS)},
            capture_output=True,
            text=True,
            check=True,
        )

        cells = json.loads((tmp_path / "figures.json").read_text())["cells"]
        words = {(cell["subject"], cell["act"]): cell["word"] for cell in cells}
        assert words["python -c pass", "run"] == ""
        assert words["appsnap --version", "run"] == "fails"
        assert words["appsnap pickle", "save"] == "crashes"
        assert f"* appsnap: of the folder {tmp_path}" in result.stdout

    def test_unknown_row(self):
        """A row that there is none of is refused, with those that there are."""
        command = [sys.executable, "-m", "bench", "--only", "servces"]

        result = subprocess.run(
            command, env=os.environ | {"PYTHONPATH": str(TOOLS)}, capture_output=True, text=True, check=False
        )

        assert result.returncode == 2
        assert "services-1e4" in result.stderr


class TestChild:
    @pytest.fixture
    def run(self, tmp_path):
        """Return a run of small sizes in a folder."""
        return Run(tmp_path, time.monotonic() + 100, quick=True, runs=1, say=lambda _: None)

    def test_says_in_a_word_what_a_peer_could_not_do(self, run):
        """A peer that raises, or that a file refers to and that isn't there, is a word in the table."""
        run.quick = False  # a busy machine takes a while to start Python
        found = run._child(["deep-1e6", "pickle", "save", "5000", "0"], 100)

        assert found["word"] == "too deep"
        assert run._child(["deep-1e6", "pickle", "load", "5000", "0"], 100)["word"] == "not saved"

    def test_measures_memory_above_what_there_was(self, run):
        """To load an array of 100 MB takes at least that; to write it takes next to nothing, though it is there."""
        run.quick = False  # a disk may be slow

        saved = run._child(["array", "write and read alone", "save", "100000000", "0"], 100)
        found = run._child(["encrypted", "appsnap pickle", "save", "100000000", "0"], 100)

        assert saved["extra"] < 10e6
        assert found["extra"] > 90e6

    def test_ends_what_takes_too_long(self, run, monkeypatch):
        """A process beyond its time is ended, and the cell says so."""
        monkeypatch.setattr(measure, "QUICK_SECONDS", 0.01)

        assert run._child(["deep-1e6", "pickle", "save", "5000", "0"], 100)["word"] == "> 0.01 s"

    def test_does_not_load_what_was_not_saved(self, run):
        """Where saving failed, loading has the same word, and is not tried."""
        workload = workload_named("deep-1e6")
        run.figures["deep-1e6", "pickle", "save"] = Cell(word="too deep")

        run._measure(workload, workload.subject("pickle"), "load", 5000)

        assert run.figures["deep-1e6", "pickle", "load"].word == "too deep"

    def test_stops_when_there_is_no_time_left(self, tmp_path):
        """Behind its deadline a run measures nothing more, and says so."""
        run = Run(tmp_path, time.monotonic() - 1, say=lambda _: None)

        run.measure(workload_named("services-1e6"))

        assert {cell.word for cell in run.figures.values()} <= {"no time", "missing"}

    @pytest.mark.parametrize(("enough", "turns"), [(100, 2), (0, 1)])
    def test_measures_the_slow_once(self, run, monkeypatch, enough, turns):
        """Each subject is measured in each turn, a slow one only once; saved files aren't kept."""
        monkeypatch.setattr(measure, "ENOUGH_SECONDS", enough)
        whole = workload_named("services-1e2")
        few = dataclasses.replace(whole, subjects=tuple(map(whole.subject, ("appsnap pickle", AUDITED, "pickle"))))
        run.runs = 2

        run.measure(few)

        assert {key[1:]: len(cell.seconds) for key, cell in run.figures.items()} == {
            ("appsnap pickle", "save"): turns,
            ("appsnap pickle", "load"): turns,
            (AUDITED, "load"): turns,
            ("pickle", "save"): turns,
            ("pickle", "load"): turns,
        }
        assert not [path for path in run.folder.iterdir() if path.name != "keys"]

    def test_garbage_is_collected_outside_of_the_clock(self):
        """No call pays for the cycles that an earlier call has left: none is there when a call begins."""
        alive, begun = set(), []

        class Node:
            def __init__(self):
                self.me = self
                alive.add(id(self))

            def __del__(self):
                alive.discard(id(self))

        def act():
            begun.append(len(alive))
            return [Node() for _ in range(10)]

        gc.disable()  # so that nothing else collects them
        try:
            seconds, _, _ = child._timed(act, 0, 4)
        finally:
            gc.enable()

        assert len(seconds) == 4
        assert begun == [0, 0, 0, 0]

    def test_heavy_acts_are_repeated(self, tmp_path, monkeypatch):
        """The least of three times counts for heavy data: the first act may wait for memory of the host."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setitem(child.CLOCKS, "wall", iter([0, 30, 100, 120, 200, 225]).__next__)
        subject = Subject(FLOOR, lambda _, path: path.write_bytes(b"12345"), print, on_disk=True)

        found = child.measured(workload_named("array"), subject, "save", 8, 0)

        assert found["seconds"] == 20
        assert found["size"] == 5

    def test_collector_off(self):
        """The second reference runs without the collector, and leaves it on, even if it fails."""
        pickle_off = workload_named("services-1e4").subject("pickle, collector off")

        class Looks:
            def __reduce__(self):
                return str, (str(gc.isenabled()),)

        assert pickle_off.load(pickle_off.save(Looks())) == "False"
        with pytest.raises(pickle.UnpicklingError):
            pickle_off.load(b"x")
        assert gc.isenabled()

    def test_a_command_that_fails_or_takes_too_long(self, tmp_path):
        """A command without success has no time, but a word."""

        def launched(limit, code):
            result = subprocess.run(
                [sys.executable, "-m", "bench.launch", "wall", limit, "-c", code],
                env=os.environ | {"PYTHONPATH": str(TOOLS)},
                capture_output=True,
                check=True,
            )
            return json.loads(result.stdout)

        assert launched("60", "raise SystemExit(3)") == {"word": "fails"}
        assert launched("0.5", "import time; time.sleep(60)") == {"word": "> 0.5 s"}
        used = launched("60", "print('not shown'); len(bytearray(50_000_000))")
        assert used["seconds"] > 0
        assert 50e6 < used["extra"] < 90e6

    def test_finds_out_what_comes_back_wrong(self, tmp_path, monkeypatch):
        """A load that gives another object has no figure."""
        monkeypatch.chdir(tmp_path)
        liar = Subject("pickle", pickle.dumps, lambda _: SERVICES.make(3))
        workload = workload_named("services-1e2")

        child.measured(workload, liar, "save", 4, 0)
        with pytest.raises(child.Skip, match="wrong"):
            child.measured(workload, liar, "load", 4, 0)

    def test_saving_counts_without_loading(self, tmp_path, monkeypatch):
        """A save has its figure, even if the load fails."""
        monkeypatch.chdir(tmp_path)
        workload = workload_named("services-1e2")
        refuses = Subject("pickle", pickle.dumps, lambda _: 1 / 0)

        assert child.measured(workload, refuses, "save", 4, 0)["seconds"] > 0
        with pytest.raises(ZeroDivisionError):
            child.measured(workload, refuses, "load", 4, 0)

    def test_missing(self):
        """A subject is missing if its module or its program is; a subject without needs never is."""
        assert Subject("one", None, None, needs="no_such_module").is_missing
        assert Subject("one", None, None, needs="$no-such-program").is_missing
        assert not Subject("one", None, None, needs="$python3").is_missing
        assert not Subject("one", None, None).is_missing


class TestData:
    @pytest.mark.parametrize("workload", SHOWN, ids=lambda workload: workload.name)
    def test_holds_for_what_it_made(self, workload):
        """Data comes back from appsnap equal, and data of another size doesn't pass for it."""
        size = 200
        data = appsnap.dumps(workload.data.make(size))

        assert workload.data.holds(appsnap.loads(data, trust=ours.TRUST), size)
        assert not workload.data.holds(workload.data.make(size - 40), size)

    @pytest.mark.parametrize("kind", ["pickle", "msgpack", "source", "xml"])
    def test_the_mixed_tree_comes_back_in_each_kind(self, kind):
        """Each kind keeps the shapes, the attributes, the shared parts and the cycles."""
        saved = appsnap.dumps(MIXED.make(300), kind=kind)

        loaded = appsnap.loads(saved, trust=ours.TRUST)

        assert MIXED.holds(loaded, 300)

    def test_the_mixed_tree_is_checked(self):
        """A tree with a broken cycle, a copy of a shared part or a changed attribute doesn't pass for it."""

        def broken(shape, change):
            tree = MIXED.make(300)
            change([one for one in walked(tree) if type(one).__name__ == shape])
            return tree

        assert MIXED.holds(broken("Web", lambda ones: None), 300)
        assert not MIXED.holds(broken("Web", lambda ones: setattr(ones[3], "config", dict(ones[3].config))), 300)
        assert not MIXED.holds(broken("Job", lambda ones: setattr(ones[3], "tags", list(ones[3].tags))), 300)
        assert not MIXED.holds(broken("Job", lambda ones: ones[0].wanted_by.clear()), 300)
        assert not MIXED.holds(broken("Peer", lambda ones: setattr(ones[0], "partner", ones[2])), 300)
        assert not MIXED.holds(broken("Cache", lambda ones: setattr(ones[0], "options", {})), 300)
        assert not MIXED.holds(broken("Gauge", lambda ones: vars(ones[-1]).pop("name")), 300)

    def test_the_mixed_tree_is_the_same_each_time(self):
        """The data has no chance in it, and all shapes are neighbours in it."""
        tree = MIXED.make(300)

        assert appsnap.dumps(tree, kind="source") == appsnap.dumps(MIXED.make(300), kind="source")
        assert {type(one).__name__ for one in walked(tree)} == {*SHAPES, "Group"}
        assert len({type(one).__name__ for one in tree.services[:40]}) == 7

    def test_twisted_has_the_same_mixed_tree(self):
        """Twisted's peers are given the same mixed tree, on Twisted's own classes."""
        pytest.importorskip("twisted")
        theirs = MIXED.twisted(300)

        assert {type(one).__mro__[1].__module__ for one in walked(theirs)} == {"twisted.application.service"}
        assert MIXED.holds(theirs, 300)

    def test_a_graph_that_lost_its_sharing_is_not_held(self):
        """The shared graph is no longer one when each node is copied where it occurs."""
        graph = GRAPH.make(100)
        copied = [copy.deepcopy(node) for node in graph]

        assert GRAPH.holds(copy.deepcopy(graph), 100)
        assert not GRAPH.holds(copied, 100)

    def test_twisted_services_are_like_ours(self):
        """Twisted's peers are given the same tree, on Twisted's own class."""
        (theirs,), (own,) = (make(1).services for make in (SERVICES.twisted, SERVICES.make))

        assert type(theirs).__mro__[1].__module__ == "twisted.application.service"
        assert {name: vars(theirs)[name] for name in ("name", "port", "options", "rate")} == {
            name: vars(own)[name] for name in ("name", "port", "options", "rate")
        }


def outcome(aim, figures=FIGURES):
    """Return figure, aim, outcome and the figure against pickle without the collector, as the table has them."""
    (line,) = table.aims_table(figures, [aim])[2:]
    return [part.strip() for part in line.strip("|").split("|")][1:]


class TestAims:
    def test_ratios_are_of_one_turn(self):
        """Ratios are taken turn by turn, and their median counts."""
        aim = Aim("services-1e4", "appsnap pickle", "save", "ratio", 1.3, "cloudpickle")

        assert judged(aim, FIGURES).figures == [1.0, 1.5, 2.0]
        assert outcome(aim) == ["1.5 (1–2) ×", "≤ 1.3 × cloudpickle", "**missed** by 15%", ""]

    def test_held(self):
        """A figure of at most the aim holds it."""
        aim = Aim("services-1e4", "appsnap pickle", "save", "ratio", 1.5, "cloudpickle")

        assert outcome(aim)[2] == "held"

    def test_memory(self):
        """Memory is in megabytes of a million bytes."""
        aim = Aim("services-1e4", "appsnap pickle", "save", "MB", 4)

        assert outcome(aim) == ["6 (5–7) MB", "≤ 4 MB", "**missed** by 50%", ""]

    def test_size(self):
        """Sizes are compared as bytes."""
        figures = {
            ("mixed-1e4", "appsnap msgpack", "save"): Cell([1.0, 2.0], size=900),
            ("mixed-1e4", "pickle", "save"): Cell([1.0, 1.0], size=1000),
        }
        aim = Aim("mixed-1e4", "appsnap msgpack", "save", "size", 0.8, "pickle")

        assert outcome(aim, figures) == ["0.9 ×", "≤ 0.8 × the bytes of pickle", "**missed** by 12%", ""]
        assert outcome(dataclasses.replace(aim, most=0.9), figures)[2] == "held"

    def test_growth(self):
        """The time of a service at a million is compared with the median of those at 10,000."""
        aim = Aim("services-1e6", "appsnap pickle", "save", "growth", 1.3, "services-1e4")

        assert judged(aim, FIGURES).figures == pytest.approx([1 / 3, 1.0])
        assert outcome(aim)[1:3] == ["≤ 1.3 × the time each of 10,000 services", "held"]
        slower = {**FIGURES, ("services-1e6", "appsnap pickle", "save"): Cell([600.0])}
        assert outcome(aim, slower)[0] == "2 ×"
        assert outcome(aim, slower)[2].startswith("**missed**")

    def test_second_reference(self):
        """Beside a ratio to pickle stands the ratio to pickle without the collector, and beside no other one."""
        figures = {
            ("mixed-1e4", "appsnap msgpack", "load"): Cell([2.0, 2.0]),
            ("mixed-1e4", "pickle", "load"): Cell([2.0, 2.0]),
            ("mixed-1e4", "pickle, collector off", "load"): Cell([1.0, 1.0]),
            ("mixed-1e4", "jsonpickle", "load"): Cell([4.0, 4.0]),
        }

        assert outcome(Aim("mixed-1e4", "appsnap msgpack", "load", "ratio", 2, "pickle"), figures) == [
            "1 ×",
            "≤ 2 × pickle",
            "held",
            "2 ×",
        ]
        assert outcome(Aim("mixed-1e4", "appsnap msgpack", "load", "ratio", 2, "jsonpickle"), figures)[-1] == ""

    @pytest.mark.parametrize(
        ("pickled", "found"),
        [
            ([0.5, 3.0], "floor beaten by pickle"),  # a floor is beaten by the least time: noise only adds
            ([0.94, 0.94], "floor beaten by pickle"),
            ([0.96, 0.97], "held"),  # the same, with noise
            ([1.2, 1.1], "held"),
        ],
    )
    def test_a_floor_that_is_beaten_holds_nothing(self, pickled, found):
        """If another subject is clearly faster than the floor, no row is held against it."""
        figures = {
            ("array", "appsnap pickle", "save"): Cell([1.2, 1.2]),
            ("array", FLOOR, "save"): Cell([1.0, 1.1]),
            ("array", "pickle", "save"): Cell(pickled),
        }

        assert outcome(Aim("array", "appsnap pickle", "save", "ratio", 1.3, FLOOR), figures)[2] == found

    def test_a_floor_that_is_beaten_still_shows_misses(self):
        """A figure that is too high even against a floor that is too slow is missed."""
        figures = {
            ("array", "appsnap pickle", "save"): Cell([3.0]),
            ("array", FLOOR, "save"): Cell([2.0]),
            ("array", "pickle", "save"): Cell([1.0]),
        }

        assert outcome(Aim("array", "appsnap pickle", "save", "ratio", 1.3, FLOOR), figures)[2] == "**missed** by 15%"

    def test_a_floor_is_beaten_by_our_own_subject_too(self):
        """Nothing of appsnap is held for being faster than a lower bound."""
        figures = {("array", "appsnap pickle", "save"): Cell([1.0]), ("array", FLOOR, "save"): Cell([2.0])}
        aim = Aim("array", "appsnap pickle", "save", "ratio", 1.3, FLOOR)

        assert outcome(aim, figures)[2] == "floor beaten by appsnap pickle"

    def test_no_floor_is_beaten_by_less_work(self):
        """A mapped file isn't read, so it beats nothing; and against a peer that is no floor, faster is held."""
        figures = {
            ("array", "appsnap pickle", "load"): Cell([1.0]),
            ("array", "appsnap pickle, mmap", "load"): Cell([0.001]),
            ("array", FLOOR, "load"): Cell([1.0]),
            ("array", "Path.read_bytes", "load"): Cell([2.0]),
        }

        assert outcome(Aim("array", "appsnap pickle", "load", "ratio", 1.3, FLOOR), figures)[2] == "held"
        assert outcome(Aim("array", "appsnap pickle", "load", "ratio", 1.3, "Path.read_bytes"), figures)[2] == "held"

    def test_without_figures(self):
        """An aim without figures is open, with the reason; a failure is missed; an unmeasured workload is absent."""
        against = Aim("services-1e6", "appsnap pickle", "save", "ratio", 1.3, "pickle")

        assert outcome(against) == ["pickle: too deep", "≤ 1.3 × pickle", "open", ""]
        assert outcome(Aim("services-1e6", "pickle", "save", "works"))[2] == "**missed**"
        unmeasured = {("deep-1e6", "appsnap xml", "save"): Cell(word="no time")}
        assert outcome(Aim("deep-1e6", "appsnap xml", "save", "works"), unmeasured)[2] == "open"
        assert judged(Aim("deep-1e6", "appsnap xml", "save", "works"), FIGURES) is None

    def test_are_about_what_is_measured(self):
        """Each aim names a workload, a subject and a reference that the benchmark has."""
        for aim in AIMS:
            if aim.workload in TITLES:
                names = {command.name for command in COMMANDS if command.row == aim.workload}
                assert {aim.subject, aim.against} - {""} <= names
                continue
            workload = workload_named(aim.workload)
            assert getattr(workload.subject(aim.subject), aim.act) is not None
            if aim.unit in {"ratio", "size"}:
                assert getattr(workload.subject(aim.against), aim.act) is not None
            if aim.unit == "growth":
                assert workload_named(aim.against).subject(aim.subject)

    def test_are_of_every_row_that_people_compare(self):
        """Msgpack is compared with jsonpickle wherever there is jsonpickle, except at 100 services and in depth."""
        compared = {aim.workload for aim in AIMS if aim.against == "jsonpickle"}

        assert compared == {
            workload.name
            for workload in WORKLOADS
            if {"jsonpickle", "pickle, collector off"} <= {subject.name for subject in workload.subjects}
        } - {"services-1e2", "deep-1e6"}


@pytest.mark.skipif(not HAS_MATPLOTLIB, reason="draws with matplotlib, which make bench installs")
class TestPlot:
    def test_marks_stand_where_the_ratio_is(self):
        """If pickle has no figure, appsnap's pickle is 1, and the row lists the subjects without a mark."""
        from bench import plot

        workload = workload_named("deep-1e6")

        assert plot.marks(workload, "save", DRAWN) == [("appsnap pickle", 1.0), ("appsnap xml", 3.0)]
        assert plot.words(workload, DRAWN) == "too deep: pickle"

    def test_is_drawn(self, tmp_path):
        """The picture is there as PNG and as SVG, with rows for the measured workloads only."""
        from bench import plot

        plot.draw(DRAWN, tmp_path)

        assert (tmp_path / "performance.png").read_bytes().startswith(b"\x89PNG")
        drawn = (tmp_path / "performance.svg").read_text()
        assert "lists, 1 million deep" in drawn
        assert "records" not in drawn

    def test_everybody_has_a_style(self):
        """No subject of a plan is without a mark."""
        from bench import plot

        for workload in WORKLOADS:
            for subject in workload.subjects:
                name = plot.SAME.get(subject.name, subject.name)
                assert not name or name in plot.STYLES


class TestRunning:
    @pytest.mark.skipif(sys.platform != "linux", reason="measures forks, by /proc")
    def test_everything(self, tmp_path):
        """Each part has its rows, none without a figure, and a restart loses no request."""
        pytest.importorskip("numpy")

        rows = running.measured(tmp_path, quick=True, say=lambda _: None)

        assert len(rows) == 2 * 6 + 2 + 2 * 2
        assert len({row.what for row in rows}) == len(rows)
        assert [row.figure for row in rows if row.what.endswith("requests lost")] == ["0", "0"]
        assert not list(tmp_path.iterdir())

    def test_outcomes(self):
        """A figure of at most its aim is held; another one has its distance from it, or has none from an aim of 0."""
        row = running.Row("pause", "4 ms", "fork: 2 ms", 1.5, "×", 1.5)

        assert row.outcome == "held"
        assert dataclasses.replace(row, most=1).outcome == "**missed** by 50%"
        assert dataclasses.replace(row, most=0).outcome == "**missed**"
        assert dataclasses.replace(row, most=None).outcome == ""

    def test_table(self):
        """The table has the facts, and a line for each row with its aim."""
        rows = [running.Row("pause", "4 ms", "fork: 2 ms", -0.5, "×", 1.5)]

        text = running.table(rows, {"machine": "this one"})

        assert "* machine: this one" in text
        assert text.splitlines()[-1] == "| pause | 4 ms | fork: 2 ms | 0 × | ≤ 1.5 × | held |"
