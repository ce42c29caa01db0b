import copy
import dataclasses
import importlib.util
import json
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import appsnap
from bench import child, measure, ours, table
from bench.aims import AIMS, Aim, judged
from bench.measure import COMMANDS, Cell, Run
from bench.plan import SHOWN, WORKLOADS, workload_named
from bench.subject import Subject
from bench.workloads import GRAPH, SERVICES

pytestmark = pytest.mark.slow

TOOLS = Path(__file__).parents[1] / "tools"
AUDITED = ours.AUDITED.name
HAS_MATPLOTLIB = importlib.util.find_spec("matplotlib") is not None

FIGURES = {
    ("services-1e4", "appsnap pickle", "save"): Cell([1.0, 3.0, 6.0], [5_000_000, 7_000_000, 6_000_000]),
    ("services-1e4", "cloudpickle", "save"): Cell([1.0, 2.0, 3.0]),
    ("services-1e6", "appsnap pickle", "save"): Cell([100.0, 300.0]),
    ("services-1e6", "pickle", "save"): Cell(word="too deep"),
}
DRAWN = {
    ("deep-1e5", "appsnap pickle", "save"): Cell([2.0]),
    ("deep-1e5", "appsnap xml", "save"): Cell([6.0]),
    ("deep-1e5", "pickle", "save"): Cell(word="too deep"),
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


class TestWhole:
    def test_has_every_row(self, output):
        """Each subject has a row in the table of its workload, with figures or a word. So has each aim."""
        _, text = output
        found = rows(text)

        for workload in WORKLOADS:
            for subject in workload.subjects:
                assert "".join(found[workload.title, subject.name]), (workload.name, subject.name)
        for name in COMMANDS:
            assert "×" in found["cold start", name][0]
        assert text.count(" | ≤ ") + text.count(" | works | ") + text.count(" | grows as ") == len(AIMS)

    def test_has_figures_for_what_is_installed(self, output):
        """appsnap, pickle and all installed peers are measured; missing peers have a word."""
        folder, _ = output
        cells = json.loads((folder / "figures.json").read_text())["cells"]

        for cell in cells:
            place = (cell["workload"], cell["subject"], cell["act"])
            if cell["workload"] == "cold":
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

        with subprocess.Popen(command, env=environment) as process:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            while not (child := children.read_text().split()) or not list(tmp_path.glob("appsnap-bench-*")):
                time.sleep(0.05)
            process.terminate()

        assert process.returncode == 128 + signal.SIGTERM
        assert not list(tmp_path.iterdir())
        assert not Path(f"/proc/{child[0]}").exists()

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
        found = run._child(["deep-1e5", "pickle", "save", "5000", "0"], 100)

        assert found["word"] == "too deep"
        assert run._child(["deep-1e5", "pickle", "load", "5000", "0"], 100)["word"] == "not saved"

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

        assert run._child(["deep-1e5", "pickle", "save", "5000", "0"], 100)["word"] == "> 0.01 s"

    def test_does_not_load_what_was_not_saved(self, run):
        """Where saving failed, loading has the same word, and is not tried."""
        workload = workload_named("deep-1e5")
        run.figures["deep-1e5", "pickle", "save"] = Cell(word="too deep")

        run._measure(workload, workload.subject("pickle"), "load", 5000)

        assert run.figures["deep-1e5", "pickle", "load"].word == "too deep"

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


def outcome(aim):
    (line,) = table.aims_table(FIGURES, [aim])[2:]
    return [part.strip() for part in line.strip("|").split("|")][1:]


class TestAims:
    def test_ratios_are_of_one_turn(self):
        """Ratios are taken turn by turn, and their median counts."""
        aim = Aim("services-1e4", "appsnap pickle", "save", "ratio", 1.3, "cloudpickle")

        assert judged(aim, FIGURES).figures == [1.0, 1.5, 2.0]
        assert outcome(aim) == ["1.5 (1–2) ×", "≤ 1.3 × cloudpickle", "**missed** by 15%"]

    def test_held(self):
        """A figure of at most the aim holds it."""
        aim = Aim("services-1e4", "appsnap pickle", "save", "ratio", 1.5, "cloudpickle")

        assert outcome(aim)[-1] == "held"

    def test_memory(self):
        """Memory is in megabytes of a million bytes."""
        aim = Aim("services-1e4", "appsnap pickle", "save", "MB", 4)

        assert outcome(aim) == ["6 (5–7) MB", "≤ 4 MB", "**missed** by 50%"]

    def test_growth(self):
        """The exponent is that with which time grows from the smaller size to the larger."""
        aim = Aim("services-1e6", "appsnap pickle", "save", "exponent", 1.05, "services-1e4")

        assert judged(aim, FIGURES).figures == pytest.approx([1.0, 1.0])
        assert outcome(aim)[-1] == "held"
        slower = {**FIGURES, ("services-1e6", "appsnap pickle", "save"): Cell([1000.0])}
        assert judged(aim, slower).figures == pytest.approx([math.log(1000) / math.log(100)])

    def test_without_figures(self):
        """An aim without figures is open, with the reason; a failure is missed; an unmeasured workload is absent."""
        against = Aim("services-1e6", "appsnap pickle", "save", "ratio", 1.3, "pickle")

        assert outcome(against) == ["pickle: too deep", "≤ 1.3 × pickle", "open"]
        assert outcome(Aim("services-1e6", "pickle", "save", "works"))[-1] == "**missed**"
        unmeasured = {("deep-1e6", "appsnap xml", "save"): Cell(word="no time")}
        assert table.aims_table(unmeasured, [Aim("deep-1e6", "appsnap xml", "save", "works")])[2].endswith("| open |")
        assert judged(Aim("deep-1e6", "appsnap xml", "save", "works"), FIGURES) is None

    def test_are_about_what_is_measured(self):
        """Each aim names a workload, a subject and a reference that the benchmark has."""
        for aim in AIMS:
            if aim.workload == "cold":
                assert {aim.subject, aim.against} <= set(COMMANDS)
                continue
            workload = workload_named(aim.workload)
            assert getattr(workload.subject(aim.subject), aim.act) is not None
            if aim.unit == "ratio":
                workload.subject(aim.against)


@pytest.mark.skipif(not HAS_MATPLOTLIB, reason="draws with matplotlib, which make bench installs")
class TestPlot:
    def test_marks_stand_where_the_ratio_is(self):
        """If pickle has no figure, appsnap's pickle is 1, and the row lists the subjects without a mark."""
        from bench import plot

        workload = workload_named("deep-1e5")

        assert plot.marks(workload, "save", DRAWN) == [("appsnap pickle", 1.0), ("appsnap xml", 3.0)]
        assert plot.words(workload, DRAWN) == "too deep: pickle"

    def test_is_drawn(self, tmp_path):
        """The picture is there as PNG and as SVG, with rows for the measured workloads only."""
        from bench import plot

        plot.draw(DRAWN, tmp_path)

        assert (tmp_path / "performance.png").read_bytes().startswith(b"\x89PNG")
        drawn = (tmp_path / "performance.svg").read_text()
        assert "lists, 100,000 deep" in drawn
        assert "records" not in drawn

    def test_everybody_has_a_style(self):
        """No subject of a plan is without a mark."""
        from bench import plot

        for workload in WORKLOADS:
            for subject in workload.subjects:
                name = plot.SAME.get(subject.name, subject.name)
                assert not name or name in plot.STYLES
