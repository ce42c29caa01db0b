import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from appsnap.errors import AppsnapError
from appsnap.keys import keyring
from appsnap.keys.keyring import MACHINE, Keyring
from appsnap.keys.signatures import SigningKey


@pytest.fixture
def ring(tmp_path):
    return Keyring(tmp_path / "a" / "b")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


class TestOwnKey:
    def test_made_once(self, ring):
        """The key is made when something is to be signed, not before; then it stays. Nobody else can read it."""
        assert ring.own() is None
        assert not ring.folder.exists()

        key = ring.signing_key()

        assert ring.signing_key() == key
        assert ring.own() == key.public_key
        assert (mode(ring.own_path), mode(ring.folder)) == (0o600, 0o700)
        assert [*ring.folder.iterdir()] == [ring.own_path]

    def test_created(self, ring, monkeypatch):
        """It says when it was made, also where snapshots say another time."""
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")

        ring.signing_key()

        assert re.match(r"# created: 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", ring.own_path.read_text())

    def test_made_by_many_at_once(self, ring):
        """Processes that save for the first time at once end with one key."""
        code = "from pathlib import Path; import sys; from appsnap.keys.keyring import Keyring\n"
        code += "input(); print(Keyring(Path(sys.argv[1])).signing_key())"
        children = [
            subprocess.Popen(
                [sys.executable, "-c", code, ring.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(6)
        ]
        for child in children:
            child.stdin.write("\n")
            child.stdin.flush()
        outputs = {child.communicate()[0] for child in children}

        assert outputs == {f"{ring.signing_key()}\n"}
        assert [*ring.folder.iterdir()] == [ring.own_path]

    def test_readable_by_others(self, ring):
        """A key that others could have copied isn't used."""
        ring.signing_key()
        ring.own_path.chmod(0o640)

        for use in (ring.signing_key, ring.own):
            with pytest.raises(AppsnapError, match="other users can read"):
                use()

    @pytest.mark.parametrize("text", ["", "# nothing\n", "x\n", f"{SigningKey.generate()}\n" * 2, "\ud800"])
    def test_no_key(self, ring, text):
        """A file that has no key, or two, is an error that names it."""
        ring.folder.mkdir(parents=True)
        ring.own_path.write_bytes(text.encode("utf-8", "surrogatepass"))
        ring.own_path.chmod(0o600)

        with pytest.raises(AppsnapError, match=r"signing-key\.txt"):
            ring.signing_key()

    def test_no_place(self, tmp_path):
        """Where no key can be made, an error says where, and what to do; there are no keys, but that is no error."""
        (tmp_path / "file").touch()
        ring = Keyring(tmp_path / "file")

        with pytest.raises(AppsnapError, match="none can be made in") as caught:
            ring.signing_key()
        assert str(caught.value).endswith(": not a directory")
        assert "APPSNAP_CONFIG_DIR" in caught.value.hint
        assert (ring.own(), ring.trusted()) == (None, {})

    def test_folder_of_the_user(self, tmp_path):
        """Without APPSNAP_CONFIG_DIR it is the folder of the user's configuration."""
        environment = {key: value for key, value in os.environ.items() if key != "APPSNAP_CONFIG_DIR"}
        environment |= {"XDG_CONFIG_HOME": str(tmp_path)}
        code = "from appsnap.keys.keyring import Keyring; print(Keyring().folder)"

        result = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, check=True)

        assert result.stdout.decode().strip() == str(tmp_path / "appsnap")

    def test_no_folder_of_the_user(self, tmp_path, monkeypatch):
        """Without a home there are no keys, least of all those that lie in the current folder."""
        for variable in ("APPSNAP_CONFIG_DIR", "XDG_CONFIG_HOME", "HOME"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
        monkeypatch.chdir(tmp_path)
        Keyring(tmp_path / "~" / ".config" / "appsnap").signing_key()

        assert Keyring().own() is None
        with pytest.raises(AppsnapError, match="none can be made"):
            Keyring().signing_key()

    @pytest.mark.parametrize("mode", [0o720, 0o702])
    def test_folder_of_others(self, ring, mode):
        """Where others can put files, they could put a link to a file of the user's there: nothing of it is used."""
        ring.folder.mkdir(parents=True)
        ring.folder.chmod(mode)
        with pytest.raises(AppsnapError, match="other users can write"):
            ring.signing_key()
        ring.folder.chmod(0o700)
        key = ring.signing_key().public_key
        ring.trust(SigningKey.generate().public_key)
        ring.folder.chmod(mode)

        for use in (ring.own, ring.trusted, lambda: ring.trust(key), lambda: ring.knows(key)):
            with pytest.raises(AppsnapError, match="other users can write") as caught:
                use()
            assert caught.value.hint == f"chmod 700 {ring.folder}"


class TestTrustedKeys:
    def test_trusted_and_revoked(self, ring):
        """A key is known from when it is trusted to when it is revoked; names are kept."""
        keys = [SigningKey.generate().public_key for _ in range(3)]
        for name, key in zip(("Ada", "", "Grace at the office"), keys, strict=True):
            ring.trust(key, name)
        ring.trust(keys[1], "Barbara")

        assert ring.trusted() == {keys[0]: "Ada", keys[1]: "Barbara", keys[2]: "Grace at the office"}
        assert all(map(ring.knows, keys))

        ring.revoke(keys[0])

        assert not ring.knows(keys[0])
        assert list(ring.trusted()) == keys[1:]
        with pytest.raises(AppsnapError, match="isn't one of the keys"):
            ring.revoke(keys[0])

    def test_own_is_known(self, ring):
        """One's own key needs no trust, and can't be revoked."""
        key = ring.signing_key().public_key

        assert ring.knows(key)
        with pytest.raises(AppsnapError, match="your own key, which is trusted anyway"):
            ring.trust(key, "me")
        assert ring.trusted() == {}
        with pytest.raises(AppsnapError, match="your own key") as caught:
            ring.revoke(key)
        assert f"appsnap keys trust {key}" in caught.value.hint

    def test_own_in_the_list(self, ring):
        """Where one's own key stands in the list all the same, it can be removed from there."""
        key = ring.signing_key().public_key
        ring.trusted_path.write_text(f"{key} me\n")
        ring.trusted_path.chmod(0o600)

        ring.revoke(key)

        assert ring.trusted() == {}
        assert ring.knows(key)

    @pytest.mark.parametrize("name", ["a\nappsnap1x", "Grace at\tthe office", "\x1b[2J", "\u202e"])
    def test_names(self, ring, name):
        """A name can't add a line, nor look like another one."""
        with pytest.raises(AppsnapError, match="one line"):
            ring.trust(SigningKey.generate().public_key, name)
        assert ring.trusted() == {}

    def test_writable_by_others(self, ring):
        """A list to which others could have added isn't used."""
        ring.trust(SigningKey.generate().public_key)
        ring.trusted_path.chmod(0o620)

        with pytest.raises(AppsnapError, match="other users can write"):
            ring.trusted()

    def test_malformed(self, ring):
        """A line that is no key is an error that names the file."""
        ring.trust(SigningKey.generate().public_key)
        ring.trusted_path.write_text("appsnap1x\n")

        with pytest.raises(AppsnapError, match=r"trusted-keys\.txt: .*9 characters"):
            ring.trusted()


class TestFolders:
    def test_round_trip(self, ring, tmp_path):
        """The path of a folder may have any characters; the names stay in their order."""
        folder = tmp_path / 'a "b"\n c\udc80ü'
        folder.mkdir()

        ring.trust_folder(str(folder), ["b.*", "call:a.b"])
        ring.trust_folder(str(tmp_path), ["c.C"])

        assert ring.folders() == {str(folder.resolve()): ["b.*", "call:a.b"], str(tmp_path.resolve()): ["c.C"]}
        assert ring.agrees(str(folder), ["call:a.b", "b.*"])
        assert not ring.agrees(str(folder), ["b.*"])
        assert not ring.agrees(str(folder / ".."), ["b.*", "call:a.b"])
        assert mode(ring.folders_path) == 0o600

    def test_revoked(self, ring, tmp_path):
        """A folder that is gone can be revoked; one that isn't trusted can't."""
        folder = tmp_path / "gone"
        ring.trust_folder(str(folder), ["a.*"])

        ring.revoke_folder(str(folder))

        assert ring.folders() == {}
        with pytest.raises(AppsnapError, match="isn't one of the folders that you trust"):
            ring.revoke_folder(str(folder))

    @pytest.mark.parametrize("line", ["x", "[]", "{}", "[1, []]", '["/a", [1]]', '["/a"]', "[" * 5_000, '"ab"'])
    def test_a_line_that_is_none(self, ring, line):
        """A file with another line is an error that names the file."""
        ring.trust_folder("/a", ["a.*"])
        ring.folders_path.write_text(f"{line}\n")

        with pytest.raises(AppsnapError, match=r"trusted-folders\.txt: a line has no folder"):
            ring.folders()


class TestDamagedKey:
    @pytest.mark.parametrize("text", ["", "APPSNAP-SECRET-KEY-1X\n", "a\nb\n"])
    def test_hint(self, ring, text):
        """The hint is to restore the key, else all own files are a stranger's. Its command keeps the old file."""
        ring.signing_key()
        ring.own_path.write_text(text)

        with pytest.raises(AppsnapError) as caught:
            ring.signing_key()

        assert "restore it from a backup" in caught.value.hint
        move = re.search(r"mv \S+ \S+damaged", caught.value.hint)[0]
        subprocess.run(move, shell=True, check=True)
        assert ring.signing_key()
        assert (ring.folder / "signing-key.txt.damaged").read_text() == text


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return the path of the machine's list, in a folder that is root's where the tests are."""
    path = tmp_path / "etc" / "trusted-keys.txt"
    path.parent.mkdir(mode=0o755)
    monkeypatch.setattr(keyring, "MACHINE", path)
    return path


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of root")


class TestMachine:
    @as_root
    def test_known(self, ring, machine):
        """A key on the list of the machine is known to everybody, and isn't one of the user's own list."""
        key, other = (SigningKey.generate().public_key for _ in range(2))
        machine.write_text(f"# servers\n{key} the build server\n\n")
        machine.chmod(0o644)

        assert ring.knows(key)
        assert not ring.knows(other)
        assert (ring.trusted(), ring.trusted_by_machine()) == ({}, {key: "the build server"})
        assert ring.all_trusted() == {key: "the build server"}

    @as_root
    def test_without_home(self, machine):
        """A user with no folder of keys trusts it, too."""
        key = SigningKey.generate().public_key
        machine.write_text(f"{key}\n")

        assert Keyring(Path(os.devnull)).knows(key)

    def test_none(self, ring, machine):
        """Without a list, nothing is on it."""
        assert ring.trusted_by_machine() == {}
        assert not ring.knows(SigningKey.generate().public_key)

    @as_root
    @pytest.mark.parametrize(
        ("change", "words", "hint"),
        [
            (lambda path: path.chmod(0o664), "other users can write {path}", "chmod 644 {path}"),
            (lambda path: path.chmod(0o646), "other users can write {path}", "chmod 644 {path}"),
            (lambda path: path.parent.chmod(0o775), "other users can write {folder}", "chmod 755 {folder}"),
            (lambda path: path.parent.chmod(0o757), "other users can write {folder}", "chmod 755 {folder}"),
            (lambda path: os.chown(path, 65534, -1), "{path} belongs to another user", "chown root {path}"),
            (lambda path: os.chown(path.parent, 65534, -1), "{folder} belongs to another user", "chown root {folder}"),
        ],
    )
    def test_not_of_root_alone(self, ring, machine, change, words, hint):
        """A list that others than root can change isn't used, and a hint says how to mend it."""
        key = SigningKey.generate().public_key
        machine.write_text(f"{key}\n")
        names = {"path": machine, "folder": machine.parent}
        change(machine)

        for use in (ring.trusted_by_machine, lambda: ring.knows(key)):
            with pytest.raises(AppsnapError) as caught:
                use()
            assert str(caught.value).startswith(words.format(**names))
            assert caught.value.hint == hint.format(**names)

        assert subprocess.run(caught.value.hint, shell=True, check=True)
        assert ring.knows(key)

    @as_root
    def test_own_list_of_the_user(self, ring, machine):
        """The user of the process may own the user's list, and not that of the machine."""
        key = SigningKey.generate().public_key
        machine.write_text(f"{key}\n")
        for path in (machine, machine.parent):
            os.chown(path, 65534, -1)
        machine.parent.parent.chmod(0o755)
        code = (
            "import os, sys; from pathlib import Path; from appsnap.errors import AppsnapError\n"
            "from appsnap.keys import keyring\n"
            "keyring.MACHINE = Path('etc/trusted-keys.txt'); ring = keyring.Keyring(Path('etc'))\n"
            "os.setgid(65534); os.setuid(65534)\n"
            "print(*ring.trusted())\n"
            "try: ring.trusted_by_machine()\n"
            "except AppsnapError as error: print(error)"
        )

        result = subprocess.run(
            [sys.executable, "-c", code], cwd=machine.parent.parent, capture_output=True, text=True, check=True
        )

        assert result.stdout.splitlines() == [
            key,
            "etc belongs to another user, who could change the keys that you trust",
        ]

    @as_root
    def test_malformed(self, ring, machine):
        """A line that is no key is an error that names the file."""
        machine.write_text("x\n")

        with pytest.raises(AppsnapError, match=r"etc/trusted-keys\.txt: "):
            ring.trusted_by_machine()

    @as_root
    def test_revoked(self, ring, machine):
        """A user can't revoke a key of the machine; one that is on both lists is left on that one."""
        key = SigningKey.generate().public_key
        machine.write_text(f"{key}\n")
        ring.trust(key, "Ada")
        assert ring.all_trusted() == {key: "Ada"}

        ring.revoke(key)

        assert ring.knows(key)
        with pytest.raises(AppsnapError, match="on the list of the machine") as caught:
            ring.revoke(key)
        assert caught.value.hint == "root can edit that file"

    def test_place(self):
        """It lies in /etc."""
        assert os.fspath(MACHINE) == "/etc/appsnap/trusted-keys.txt"


class TestProcess:
    @pytest.fixture(autouse=True)
    def given(self, monkeypatch):
        """Leave the process as it is."""
        monkeypatch.setattr(keyring, "_given", {})

    def test_known(self, ring):
        """A key is known in this process, and written nowhere."""
        key = SigningKey.generate().public_key
        assert not ring.knows(key)

        keyring.trust_for_this_process(key)

        assert ring.knows(key)
        assert (ring.trusted(), ring.all_trusted()) == ({}, {key: "by --trust-key"})
        assert not ring.folder.exists()

    def test_no_key(self):
        """A text that is no key is refused."""
        with pytest.raises(AppsnapError):
            keyring.trust_for_this_process("appsnap1x")
