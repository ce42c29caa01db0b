"""`show`, `audit` and `verify` of files with large data: which data they verify, and how much memory they take."""

import json
import re
import subprocess
import sys

import pytest

import appsnap
from appsnap.cli.app import run
from appsnap.files.layers import Opening
from appsnap.snapshot.loading import open_file

np = pytest.importorskip("numpy")

KINDS = ("pickle", "msgpack")
MIB = 1 << 20
GIB = 1 << 30


@pytest.fixture(params=KINDS)
def path(request, tmp_path):
    """Save an array of 16 MiB, and return the path."""
    path = tmp_path / "a"
    appsnap.save({"a": np.arange(2 * MIB, dtype="float64")}, path, kind=request.param)
    return path


def damage(path, value):
    """Change a byte in the middle of a file, which is one of its data, or the text in it."""
    data = bytearray(path.read_bytes())
    at = data.index(value) if value else len(data) // 2
    data[at] ^= 1
    path.write_bytes(data)


class TestMapped:
    @pytest.mark.parametrize("command", ["show", "audit"])
    def test_says_so(self, path, command, capsys):
        """The output says that the data isn't verified."""
        assert run([command, str(path)]) == 0

        assert "data of 1 array not verified" in capsys.readouterr().out

    def test_line(self, path, capsys):
        """The array has its first numbers, and the begin of a checksum in the file, which nobody has compared."""
        run(["show", str(path)])

        line = capsys.readouterr().out.splitlines()[-1]

        assert re.fullmatch(
            r'└── \["a"\]: ndarray float64 \(2097152,\) 16,777,216 bytes '
            r"\[0 1 2 3 4 5 …\] checksum [0-9a-f]{8}, not verified",
            line.replace("0. 1. 2. 3. 4. 5.", "0 1 2 3 4 5"),
        )

    def test_several(self, tmp_path, capsys):
        """Each array counts."""
        appsnap.save([np.zeros(MIB), np.ones(MIB), np.zeros(3)], tmp_path / "a")

        run(["show", str(tmp_path / "a")])

        assert "data of 2 arrays not verified" in capsys.readouterr().out

    def test_other_numbers(self, tmp_path, capsys):
        """Arrays that differ in their last number look different."""
        shown = []
        for last in (1, 2):
            array = np.zeros(2 * MIB)
            array[-1] = last
            appsnap.save(array, tmp_path / "a")
            run(["show", str(tmp_path / "a")])
            shown.append(capsys.readouterr().out.splitlines()[-1])

        assert shown[0] != shown[1]

    def test_json(self, path, capsys):
        """The JSON has the number of such arrays, and the checksums of their chunks in place of a digest."""
        run(["show", str(path), "--json"])
        shown = json.loads(capsys.readouterr().out)
        run(["audit", str(path), "--json"])
        audited = json.loads(capsys.readouterr().out)

        (data,) = (node["value"] for node in shown["nodes"] if isinstance(node.get("value"), dict))
        assert (shown["unverified_arrays"], audited["unverified_arrays"]) == (1, 1)
        assert (data["size"], data["sha256"]) == (16 * MIB, None)
        assert all(re.fullmatch("[0-9a-f]{64}", one) for one in data["checksums"])
        assert len(data["checksums"]) == 2

    def test_damaged_data(self, path, capsys):
        """Wrong numbers pass; `verify` finds them."""
        damage(path, b"")

        assert run(["show", str(path)]) == 0
        assert run(["audit", str(path)]) == 0
        assert run(["verify", str(path)]) == 5
        assert "the checksum of large data is wrong" in capsys.readouterr().err

    @pytest.mark.parametrize("command", ["show", "audit", "verify"])
    def test_damaged_skeleton(self, path, command, capsys):
        """All else is verified."""
        damage(path, b"ndarray")

        assert run([command, str(path)]) == 5
        assert "wrong" in capsys.readouterr().err

    @pytest.mark.parametrize("command", ["show", "audit", "verify"])
    def test_truncated(self, path, command):
        """A file whose end is missing is refused."""
        path.write_bytes(path.read_bytes()[: 9 * MIB])

        assert run([command, str(path)]) == 5

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("value", [b"b" * 16 * MIB, bytearray(16 * MIB)], ids=["bytes", "bytearray"])
    def test_other_data(self, tmp_path, kind, value, capsys):
        """Large data that no array has is verified: it may be code, and is shown with a digest."""
        path = tmp_path / "a"
        appsnap.save(value, path, kind=kind)
        run(["show", str(path)])
        shown = capsys.readouterr().out

        damage(path, b"")

        assert "not verified" not in shown
        assert "sha256 " in shown
        assert run(["show", str(path)]) == 5

    @pytest.mark.parametrize("kind", KINDS)
    def test_little(self, tmp_path, kind, capsys):
        """Up to 8 MiB of data are read and verified."""
        path = tmp_path / "a"
        appsnap.save(np.zeros(MIB), path, kind=kind)
        run(["show", str(path)])
        shown = capsys.readouterr().out

        damage(path, b"")

        assert "not verified" not in shown
        assert "sha256 " in shown
        assert run(["show", str(path)]) == 5

    @pytest.mark.parametrize("options", [{"compress": True}, {"passphrase": "p"}], ids=["zstd", "age"])
    def test_layers(self, tmp_path, options, capsys, monkeypatch):
        """A file with layers can't be mapped, and all of it is verified."""
        monkeypatch.setenv("APPSNAP_PASSPHRASE", "p")
        appsnap.save(np.arange(2 * MIB), tmp_path / "a", **options)

        run(["show", str(tmp_path / "a")])

        assert "not verified" not in capsys.readouterr().out

    @pytest.mark.parametrize("large", ["mapped", "hashed"])
    def test_only_to_look_at(self, path, large, tmp_path):
        """A snapshot whose data isn't held is neither built nor saved."""
        snapshot = open_file(path, Opening(), large=large)

        with pytest.raises(RuntimeError, match="to be looked at"):
            snapshot.build(appsnap.EVERYTHING)
        with pytest.raises(RuntimeError, match="to be looked at"):
            snapshot.save(tmp_path / "b")


class TestVerify:
    @pytest.mark.parametrize("options", [{}, {"compress": True}, {"passphrase": "p"}], ids=["plain", "zstd", "age"])
    @pytest.mark.parametrize("kind", KINDS)
    def test_hashes_all(self, tmp_path, kind, options, capsys, monkeypatch):
        """Several data of several chunks are hashed; a wrong byte in the last one is found."""
        monkeypatch.setenv("APPSNAP_PASSPHRASE", "p")
        path = tmp_path / "a"
        value = [np.arange(1_300_000), b"b" * 70_000, bytearray(9_000_001), np.arange(100_000)]

        appsnap.save(value, path, kind=kind, **options)

        assert run(["verify", str(path)]) == 0
        assert "ok: " in capsys.readouterr().out
        if not options:
            whole = path.read_bytes()
            at = whole.rindex((99_998).to_bytes(8, "little"))
            path.write_bytes(whole[:at] + b"\xff" + whole[at + 1 :])
            assert run(["verify", str(path)]) == 5

    def test_many(self, tmp_path):
        """So many data as a process can't map on their own take one map together."""
        appsnap.save([bytes(65_536)] + [bytes([n % 256]) * 65_536 for n in range(300)], tmp_path / "a")

        assert run(["verify", str(tmp_path / "a")]) == 0


@pytest.mark.memory
@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the peak of one process")
class TestMemory:
    @pytest.fixture
    def large(self, tmp_path_factory):
        """Save an array of half a gibibyte, and return the path."""
        path = tmp_path_factory.mktemp("large") / "a"
        appsnap.save(np.zeros(GIB // 16), path, sign=False)
        yield path
        path.unlink()

    @pytest.mark.parametrize("command", ["show", "audit", "verify"])
    def test_peak(self, large, command):
        """Neither of these commands holds the data."""
        code = (
            "import sys\nfrom appsnap.cli.app import run\ncode = run(sys.argv[1:])\n"
            "lines = open('/proc/self/status').read().splitlines()\n"
            "print(*(line.split()[1] for line in lines if line.startswith('VmHWM')), file=sys.stderr)\nsys.exit(code)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, command, str(large)], capture_output=True, text=True, check=True
        )

        assert int(done.stderr) >> 10 < 64
