"""The user, the group and the name of the process. Only root can try most of it, in a process of its own."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import subprocess
import sys

import pytest

from appsnap.errors import AppsnapError
from appsnap.runner.privileges import Identity, name_process, resolve
from appsnap.service import Process

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
not_root = pytest.mark.skipif(os.geteuid() == 0, reason="root becomes anybody")

NOBODY = pwd.getpwnam("nobody")
UNKNOWN = next(number for number in range(54321, 60000) if number not in {entry.pw_uid for entry in pwd.getpwall()})
"""The number of no user."""

PROGRAM = """
import json, os, sys
from appsnap.errors import AppsnapError
from appsnap.runner.privileges import resolve
from appsnap.service import Process
uid, gid, process, before = json.loads(sys.argv[1])
exec(before)
try:
    identity = resolve(uid, gid, Process(*process))
except AppsnapError as error:
    sys.exit(f"{error} | {error.hint}")
differs = identity is not None and identity.differs
if identity is not None:
    identity.drop()
with open("/proc/self/status") as file:
    status = dict(line.split(":", 1) for line in file.read().splitlines())
fields = {name: status[name].split() for name in ("Uid", "Gid", "Groups", "CapEff", "CapPrm", "CapInh")}
try:
    os.setuid(0)
    back = True
except OSError:
    back = False
variables = {name: os.environ.get(name) for name in ("HOME", "USER", "LOGNAME")}
left = identity is not None and identity.differs
print(json.dumps({**fields, **variables, "differs": differs, "left": left, "back": back}))
"""


def become(uid=None, gid=None, process=(None, None), before=""):
    """Return the facts of a process of root that becomes a user, or the words that it fails with."""
    command = [sys.executable, "-c", PROGRAM, json.dumps([uid, gid, process, before])]
    environment = {**os.environ, "HOME": "/root", "USER": "root", "LOGNAME": "root"}
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    return json.loads(result.stdout) if result.returncode == 0 else result.stderr.strip()


def ids(number):
    """Return a field of the status: real, effective, saved and for files."""
    return [str(number)] * 4


@as_root
class TestDrop:
    @pytest.mark.parametrize("uid", ["nobody", str(NOBODY.pw_uid), NOBODY.pw_uid])
    def test_user(self, uid):
        """A user comes with the user's own groups and variables; nothing of root is left, and there is no way back."""
        groups = {str(group) for group in os.getgrouplist("nobody", NOBODY.pw_gid)}

        found = become(uid, before="os.setgroups([0, 1, 4])")

        assert (found["Uid"], found["Gid"]) == (ids(NOBODY.pw_uid), ids(NOBODY.pw_gid))
        assert {*found["Groups"]} == groups
        assert found["CapEff"] == found["CapPrm"] == found["CapInh"] == ["0" * 16]
        assert [found[name] for name in ("HOME", "USER", "LOGNAME")] == [NOBODY.pw_dir, "nobody", "nobody"]
        assert [found[name] for name in ("differs", "left", "back")] == [True, False, False]

    def test_its_groups(self):
        """The user's other groups are kept, and the group that is given comes instead of the user's own."""
        member = next((entry for entry in grp.getgrall() if entry.gr_mem), None)
        user = member.gr_mem[0] if member else "nobody"
        expected = os.getgrouplist(user, 12345)

        found = become(user, "12345", before="os.setgroups([0, 1, 4])")

        assert found["Gid"] == ids(12345)
        assert {*found["Groups"]} == {*map(str, expected)}

    def test_of_the_application(self):
        """Without options, the application says who."""
        found = become(process=(NOBODY.pw_uid, None))
        both = become(process=(NOBODY.pw_uid, 12345))

        assert (found["Uid"], found["Gid"]) == (ids(NOBODY.pw_uid), ids(NOBODY.pw_gid))
        assert (both["Uid"], both["Gid"]) == (ids(NOBODY.pw_uid), ids(12345))

    def test_options_first(self):
        """A user from the options comes with the user's own group, not with that of the application."""
        found = become("nobody", process=(1, 1))
        group = become(gid="12345", process=(NOBODY.pw_uid, 1))

        assert (found["Uid"], found["Gid"]) == (ids(NOBODY.pw_uid), ids(NOBODY.pw_gid))
        assert (group["Uid"], group["Gid"]) == (ids(NOBODY.pw_uid), ids(12345))

    def test_number_without_entry(self):
        """A number that is no user's has the one group that is given, and no home."""
        found = become(str(UNKNOWN), "12345", before="os.setgroups([0, 1, 4])")

        assert (found["Uid"], found["Gid"], found["Groups"]) == (ids(UNKNOWN), ids(12345), ["12345"])
        assert [found[name] for name in ("HOME", "USER", "LOGNAME", "back")] == ["/", None, None, False]

    def test_number_without_group(self):
        """Without a group, such a number is refused."""
        assert become(str(UNKNOWN)) == (
            f"user {UNKNOWN} is in no list of users, so the group isn't known | give --gid, too"
        )

    @pytest.mark.parametrize("group", ["nogroup", "12345"])
    def test_group_alone(self, group):
        """A group alone leaves root's other groups, and keeps the user and the variables."""
        if not group.isdigit():
            group = grp.getgrgid(NOBODY.pw_gid).gr_name
        number = int(group) if group.isdigit() else NOBODY.pw_gid

        found = become(gid=group, before="os.setgroups([0, 1, 4])")

        assert (found["Uid"], found["Gid"], found["Groups"]) == (ids(0), ids(number), [str(number)])
        assert (found["HOME"], found["differs"], found["left"]) == ("/root", True, False)

    @pytest.mark.parametrize(("uid", "gid"), [(None, None), ("root", None), ("0", "0"), (None, "root")])
    def test_nothing_to_do(self, uid, gid):
        """Root that stays root changes nothing."""
        found = become(uid, gid, before="os.setgroups([0, 1, 4])")

        assert (found["Uid"], found["Gid"], found["Groups"]) == (ids(0), ids(0), ["0", "1", "4"])
        assert (found["HOME"], found["differs"]) == ("/root", False)

    def test_a_way_back(self):
        """A process that could become root again isn't that user yet."""
        found = become("nobody", before=f"os.setegid({NOBODY.pw_gid}); os.setresuid({NOBODY.pw_uid}, 0, 0)")

        assert (found["Uid"], found["back"]) == (ids(NOBODY.pw_uid), False)


@as_root
class TestNotPermitted:
    DROPPED = f"os.setgroups([]); os.setresgid(*[{NOBODY.pw_gid}] * 3); os.setresuid(*[{NOBODY.pw_uid}] * 3)"

    @pytest.mark.parametrize(
        ("uid", "gid", "wanted"),
        [
            ("root", None, "user root, group 0"),
            (str(UNKNOWN), "12345", f"user {UNKNOWN}, group 12345"),
            ("nobody", "12345", "user nobody, group 12345"),
            (None, "12345", "group 12345"),
        ],
    )
    def test_other_user(self, uid, gid, wanted):
        """A process without root's rights is told before anything starts."""
        assert become(uid, gid, before=self.DROPPED) == (
            f"this process can't become {wanted}: it is user {NOBODY.pw_uid}, group {NOBODY.pw_gid}, "
            "and may not change that | start it as root, or as that user and group"
        )

    @pytest.mark.parametrize("gid", [None, str(NOBODY.pw_gid)])
    @pytest.mark.parametrize("uid", ["nobody", None])
    def test_itself(self, uid, gid):
        """A process that is that user and group already needs no rights, and keeps its variables."""
        found = become(uid, gid, before=self.DROPPED)

        assert (found["Uid"], found["differs"], found["HOME"]) == (ids(NOBODY.pw_uid), False, "/root")

    def test_itself_without_entry(self):
        """That holds for a number that is no user's, too, whose group isn't known."""
        before = f"os.setgroups([]); os.setresgid(7, 7, 7); os.setresuid(*[{UNKNOWN}] * 3)"

        found = become(str(UNKNOWN), before=before)

        assert (found["Uid"], found["Gid"], found["differs"]) == (ids(UNKNOWN), ids(7), False)

    @pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv here")
    @pytest.mark.parametrize("right", ["setuid", "setgid"])
    def test_root_without_its_rights(self, right):
        """Root in a container without the right to change users is told in time, too."""
        arguments = json.dumps(["nobody", None, [None, None], ""])
        command = ["setpriv", "--bounding-set", f"-{right}", "--inh-caps", f"-{right}"]

        result = subprocess.run(
            [*command, sys.executable, "-c", PROGRAM, arguments], check=False, capture_output=True, text=True
        )

        assert "can't become user nobody" in result.stderr
        assert result.returncode == 1


class TestResolve:
    @pytest.mark.parametrize("process", [None, Process(), object()])
    def test_nobody_wanted(self, process):
        """Nobody asks for anybody: there is nobody to become."""
        assert resolve(None, None, process) is None

    def test_oneself(self):
        """The user of the process may be asked for by name and by number."""
        identity = resolve(pwd.getpwuid(os.getuid()).pw_name, None, None)

        assert identity.uid == os.getuid()
        assert not identity.differs
        assert resolve(os.getuid(), os.getgid(), None) == Identity(os.getuid(), os.getgid(), identity.entry)

    @pytest.mark.parametrize(
        ("uid", "gid", "words"),
        [
            ("no-such-user", None, "there is no user no-such-user"),
            (None, "no-such-group", "there is no group no-such-group"),
            ("", None, "there is no user "),
            ("-1", None, "there is no user -1"),
            ("²", None, "there is no user ²"),
            ("4294967295", None, "the number of a user is at most 4294967294, and not 4294967295"),
            (None, "99999999999999999999", "the number of a group is at most 4294967294, and not 99999999999999999999"),
            ("a\nb\x1b", None, r"there is no user a\x0ab\x1b"),
        ],
    )
    def test_no_such(self, uid, gid, words):
        """Names and numbers of nobody are refused, in a line."""
        with pytest.raises(AppsnapError) as caught:
            resolve(uid, gid, None)

        assert str(caught.value) == words

    @pytest.mark.parametrize("value", [True, -1, 2**32 - 1, 1.0, "root", b"0", [0], 10**5000], ids=range(8))
    @pytest.mark.parametrize("attribute", ["uid", "gid"])
    def test_file(self, attribute, value):
        """An application from a file may want anything; all but a number of a user or group is refused by its place."""
        process = Process()
        setattr(process, attribute, value)

        with pytest.raises(AppsnapError) as caught:
            resolve(None, None, process)
        assert str(caught.value).startswith(f"application.{attribute} is ")
        assert str(caught.value).endswith(", and not a number from 0 to 4294967294")
        assert caught.value.hint == f"--{attribute} overrules it"

    def test_overruled(self):
        """An option overrules it."""
        process = Process()
        process.uid, process.gid = "root", "root"

        assert not resolve(os.getuid(), None, process).differs
        assert resolve(os.getuid(), os.getgid(), process).uid == os.getuid()

    @not_root
    def test_not_permitted(self):
        """A user can't become root."""
        with pytest.raises(AppsnapError, match="can't become user root"):
            resolve("root", None, None)


class TestName:
    def test_none(self):
        """An application that wants no name gets none."""
        words = []

        for process in (None, Process()):
            name_process(process, words.append)

        assert words == []

    def test_no_text(self):
        """A name that is no text is a warning."""
        process, words = Process(), []
        process.processName = 5

        name_process(process, words.append)

        assert words == ["application.processName is 5, and not a text"]

    @pytest.mark.parametrize("installed", [False, True])
    def test_name(self, installed):
        """The process gets its name if setproctitle is installed, and a warning otherwise. The name stays in a line."""
        if installed:
            pytest.importorskip("setproctitle")
        code = (
            "import sys; from appsnap.runner.privileges import name_process; from appsnap.service import Process\n"
            "process = Process(); process.processName = 'shop\\nfront'\n"
            "name_process(process, print)\n"
            "print(open('/proc/self/cmdline').read().rstrip(chr(0)))"
        )
        if not installed:
            code = f"import sys; sys.modules['setproctitle'] = None\n{code}"

        lines = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

        if installed:
            assert lines == "shop\\x0afront\n"
        else:
            assert lines.startswith(
                "the process isn't named shop\\x0afront: that needs setproctitle (pip install 'appsnap[title]')\n"
            )
