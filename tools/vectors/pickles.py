"""Vectors of pickles: every way to spell a name, a call and a state, in every protocol; and streams that lie."""

from __future__ import annotations

import pickle
import struct
from typing import TYPE_CHECKING, Any

from vectors.spelling import document

if TYPE_CHECKING:
    from vectors.layout import Vectors

__all__ = ["add_pickles"]

TOUCH = "touch stolen"
PLAIN = ("harmless.Plain",)

# What a called name would do: most make or remove a file in the current folder, some end the process.
GADGETS: list[tuple[str, str, list[Any]]] = [
    ("os", "system", [TOUCH]),
    ("posix", "system", [TOUCH]),
    ("nt", "system", [TOUCH]),
    ("os", "popen", [TOUCH]),
    ("os", "mkdir", ["stolen"]),
    ("os", "remove", ["keep.txt"]),
    ("os", "rename", ["keep.txt", "stolen"]),
    ("os", "putenv", ["STOLEN", "1"]),
    ("os", "environ.__setitem__", ["STOLEN", "1"]),
    ("os", "environ.update", [{"STOLEN": "1"}]),
    ("os", "_exit", [0]),
    ("os", "abort", []),
    ("os", "execvp", ["touch", ["touch", "stolen"]]),
    ("os", "getcwd", []),
    ("sys", "exit", [0]),
    ("sys", "setrecursionlimit", [5]),
    ("sys", "modules.clear", []),
    ("sys", "path.append", ["stolen"]),
    ("sys", "stdout.write", ["stolen"]),
    ("subprocess", "Popen", [["touch", "stolen"]]),
    ("subprocess", "getoutput", [TOUCH]),
    ("builtins", "eval", ["__import__('os').mkdir('stolen')"]),
    ("builtins", "exec", ["__import__('os').mkdir('stolen')"]),
    ("builtins", "compile", ["1", "", "eval"]),
    ("builtins", "__import__", ["canary_module"]),
    ("builtins", "open", ["stolen", "w"]),
    ("builtins", "getattr", [[], "__class__", 1]),
    ("builtins", "setattr", [{}, "a", 1]),
    ("builtins", "print", ["stolen"]),
    ("builtins", "input", ["stolen"]),
    ("builtins", "breakpoint", []),
    ("builtins", "globals", []),
    ("builtins", "vars", []),
    ("builtins", "type", ["X", (), {}]),
    ("builtins", "type.__call__", [1]),
    ("builtins", "object.__subclasses__", []),
    ("builtins", "map", [1, []]),
    ("builtins", "filter", [None, []]),
    ("builtins", "super", []),
    ("builtins", "property", []),
    ("builtins", "list", [[1]]),
    ("builtins", "dict", []),
    ("builtins", "dict.fromkeys", [[1]]),
    ("builtins", "int", ["1"]),
    ("builtins", "str", [1]),
    ("builtins", "str.join", ["a", ["b"]]),
    ("builtins", "str.format", ["{0.__class__}", 1]),
    ("builtins", "sum", [[1]]),
    ("builtins", "hash", [1]),
    ("io", "open", ["stolen", "w"]),
    ("_io", "open", ["stolen", "w"]),
    ("io", "FileIO", ["stolen", "w"]),
    ("_io", "FileIO", ["stolen", "w"]),
    ("_pyio", "open", ["stolen", "w"]),
    ("codecs", "open", ["stolen", "w"]),
    ("codecs", "decode", ["x", "rot13"]),
    ("_codecs", "decode", [b"x", "unicode_escape"]),
    ("_codecs", "encode", ["x", "rot13"]),
    ("_codecs", "encode", [b"x", "zlib_codec"]),
    ("_codecs", "register", [1]),
    ("logging", "FileHandler", ["stolen"]),
    ("logging", "basicConfig", []),
    ("logging", "disable", [50]),
    ("logging", "root.setLevel", [10]),
    ("logging.config", "dictConfig", [{"version": 1}]),
    ("logging.config", "fileConfig", ["keep.txt"]),
    ("logging.config", "_resolve", ["canary_module"]),
    ("zipfile", "ZipFile", ["stolen", "w"]),
    ("tarfile", "open", ["stolen", "w"]),
    ("shelve", "open", ["stolen"]),
    ("dbm.dumb", "open", ["stolen"]),
    ("sqlite3", "connect", ["stolen"]),
    ("tempfile", "TemporaryDirectory", []),
    ("tempfile", "mkdtemp", []),
    ("tempfile", "_TemporaryFileCloser", [None, "keep.txt"]),
    ("shutil", "rmtree", ["."]),
    ("shutil", "copy", ["keep.txt", "stolen"]),
    ("pathlib", "Path", ["keep.txt"]),
    ("pathlib", "Path.cwd", []),
    ("ctypes", "CDLL", ["libc.so.6"]),
    ("ctypes", "string_at", [0]),
    ("ctypes", "memset", [0, 1, 1]),
    ("threading", "Thread", []),
    ("multiprocessing", "Process", []),
    ("multiprocessing.reduction", "_rebuild_partial", [1, (), {}]),
    ("multiprocessing.connection", "rebuild_connection", [1, True, True]),
    ("concurrent.futures", "ThreadPoolExecutor", []),
    ("socket", "socket", []),
    ("socket", "create_connection", [("127.0.0.1", 1)]),
    ("urllib.request", "urlopen", ["file:keep.txt"]),
    ("http.client", "HTTPConnection", ["127.0.0.1"]),
    ("ssl", "get_server_certificate", [("127.0.0.1", 1)]),
    ("webbrowser", "open", ["about:blank"]),
    ("pty", "spawn", ["true"]),
    ("code", "interact", []),
    ("code", "InteractiveInterpreter", []),
    ("runpy", "run_path", ["canary_module.py"]),
    ("runpy", "run_module", ["canary_module"]),
    ("importlib", "import_module", ["canary_module", "canary_module"]),
    ("importlib", "reload", [1]),
    ("importlib", "_bootstrap._gcd_import", ["canary_module"]),
    ("importlib.util", "spec_from_file_location", ["a", "canary_module.py"]),
    ("pkgutil", "resolve_name", ["os:system"]),
    ("pydoc", "locate", ["canary_module"]),
    ("pydoc", "pipepager", ["", TOUCH]),
    ("zipimport", "zipimporter", ["keep.txt"]),
    ("site", "addsitedir", ["."]),
    ("types", "FunctionType", [1, {}]),
    ("types", "CodeType", []),
    ("types", "ModuleType", ["os"]),
    ("types", "MethodType", [1, 1]),
    ("types", "new_class", ["X"]),
    ("types", "DynamicClassAttribute", []),
    ("operator", "attrgetter", ["system"]),
    ("operator", "methodcaller", ["system", TOUCH]),
    ("operator", "itemgetter", [1]),
    ("operator", "call", [1]),
    ("operator", "setitem", [{}, 1, 2]),
    ("_operator", "attrgetter", ["system"]),
    ("functools", "reduce", [1, []]),
    ("functools", "partialmethod", [1]),
    ("functools", "cached_property", [1]),
    ("itertools", "starmap", [1, []]),
    ("itertools", "repeat", ["x", 10**10]),
    ("itertools", "accumulate", [[1], 1]),
    ("collections", "namedtuple", ["X", "a b"]),
    ("collections", "deque.extend", [[], [1]]),
    ("dataclasses", "make_dataclass", ["X", ["a"]]),
    ("enum", "Enum", ["X", "a b"]),
    ("typing", "NamedTuple", ["X", []]),
    ("contextlib", "ExitStack", []),
    ("contextlib", "redirect_stdout", [1]),
    ("weakref", "finalize", [1, 1]),
    ("atexit", "register", [1]),
    ("signal", "signal", [15, 0]),
    ("signal", "alarm", [1]),
    ("gc", "get_objects", []),
    ("gc", "disable", []),
    ("faulthandler", "_sigsegv", []),
    ("resource", "setrlimit", [7, (0, 0)]),
    ("warnings", "simplefilter", ["ignore"]),
    ("warnings", "filterwarnings", ["ignore"]),
    ("locale", "setlocale", [6, "C"]),
    ("random", "seed", [1]),
    ("time", "sleep", [10]),
    ("timeit", "timeit", ["__import__('os').mkdir('stolen')"]),
    ("cProfile", "run", ["__import__('os').mkdir('stolen')"]),
    ("profile", "run", ["__import__('os').mkdir('stolen')"]),
    ("pdb", "run", ["1"]),
    ("bdb", "Bdb", []),
    ("trace", "Trace", []),
    ("doctest", "debug_script", ["1"]),
    ("unittest.mock", "_importer", ["canary_module"]),
    ("asyncio", "run", [1]),
    ("asyncio", "new_event_loop", []),
    ("asyncio", "set_event_loop", [None]),
    ("asyncio", "create_subprocess_shell", [TOUCH]),
    ("ensurepip", "_run_pip", [["--version"]]),
    ("pip", "main", [["--version"]]),
    ("venv", "create", ["stolen"]),
    ("uuid", "_get_command_stdout", ["touch", "stolen"]),
    ("platform", "popen", [TOUCH]),
    ("copyreg", "pickle", [1, 1]),
    ("copyreg", "constructor", [1]),
    ("copyreg", "add_extension", ["os", "system", 1]),
    ("copyreg", "dispatch_table.clear", []),
    ("copyreg", "_reconstructor", [1, 2, 3]),
    ("copyreg", "__newobj_ex__", [1, (), {}, 1]),
    ("copyreg", "_extension_registry.clear", []),
    ("pickle", "loads", [b"cos\nsystem\n(S'touch stolen'\ntR."]),
    ("_pickle", "loads", [b"cos\nsystem\n(S'touch stolen'\ntR."]),
    ("_pickle", "Unpickler", [1]),
    ("pickle", "_loads", [b"cos\nsystem\n(S'touch stolen'\ntR."]),
    ("marshal", "loads", [b"N"]),
    ("cloudpickle", "loads", [b"cos\nsystem\n(S'touch stolen'\ntR."]),
    ("cloudpickle.cloudpickle", "_make_function", [1, {}, "f", (), ()]),
    ("cloudpickle.cloudpickle", "_builtin_type", ["CodeType"]),
    ("cloudpickle.cloudpickle", "_make_skeleton_class", [1, "X", (), {}, "id", None]),
    ("cloudpickle.cloudpickle", "_make_empty_cell", []),
    ("cloudpickle.cloudpickle", "subimport", ["canary_module"]),
    ("cloudpickle.cloudpickle", "dynamic_subimport", ["x", {}]),
    ("cloudpickle.cloudpickle", "_getattr", [1, "x"]),
    ("numpy", "load", ["keep.txt"]),
    ("numpy", "memmap", ["stolen", "u1", "w+", 0, (1,)]),
    ("numpy", "fromfile", ["keep.txt"]),
    ("numpy", "save", ["stolen", 1]),
    ("numpy", "frompyfunc", [1, 1, 1]),
    ("numpy", "vectorize", [1]),
    ("numpy", "frombuffer", [b"x"]),
    ("numpy.core.multiarray", "_reconstruct", [1, (0,), b"b"]),
    ("numpy._core.multiarray", "_reconstruct", [1, (0,), b"b"]),
    ("numpy.core.multiarray", "scalar", [1, b"x"]),
    ("numpy._core.multiarray", "scalar", [1, b"x"]),
    ("numpy.testing._private.utils", "runstring", ["1", {}]),
    ("numpy.lib.npyio", "NpzFile", ["keep.txt"]),
    ("numpy.random._pickle", "__generator_ctor", ["MT19937"]),
    ("torch.storage", "_load_from_bytes", [b"x"]),
    ("torch._utils", "_rebuild_tensor_v2", [1]),
    ("joblib.numpy_pickle", "NumpyArrayWrapper", []),
    ("sklearn.utils", "_pprint", []),
    ("pandas", "read_pickle", ["keep.txt"]),
    ("dill._dill", "_create_function", [1]),
    ("zope.interface", "implementer", [1]),
    ("zope.interface.declarations", "directlyProvides", [1, 1]),
    ("twisted.internet.process", "Process", [1]),
    ("twisted.persisted.styles", "unpickleModule", ["canary_module"]),
    ("twisted.persisted.styles", "unpickleMethod", ["x", 1, 1]),
    ("appsnap", "loads", [b"x"]),
    ("appsnap.snapshot", "load", ["keep.txt"]),
    ("appsnap.snapshot", "save", [1, "stolen"]),
    ("appsnap.evolve", "renamed", ["a", 1]),
    ("appsnap.evolve", "known", [1, "a", "b"]),
    ("appsnap.actions", "set_state", [1, 2, 3]),
    ("appsnap.source", "new", [1]),
    ("appsnap.source", "thing", ["canary_module"]),
    ("appsnap.source", "set_state", [1, 2]),
    ("appsnap.script", "run", ["canary_module.py"]),
    ("appsnap.files.atomic", "write", ["stolen", []]),
    ("appsnap.recipe.build", "build", [1, 2]),
    ("appsnap.recipe.trust", "Trust", [["*"]]),
    ("appsnap.sob", "load", ["keep.txt", "pickle"]),
    ("appsnap.sob", "loadValueFromFile", ["canary_module.py", "x"]),
    ("appsnap.service", "Application", ["x"]),
    ("appsnap.service", "service_makers", []),
    ("appsnap.service", "loadApplication", ["keep.txt", "pickle"]),
    ("appsnap.internet", "TimerService", [1, 1]),
]
SOURCES = {
    "pip": "picklescan GHSA-655q-fx9r-782v (pip.main)",
    "_reconstruct": "numpy: dtype.__setstate__ with a chosen pointer",
    "_load_from_bytes": "picklescan: torch.storage._load_from_bytes",
    "_builtin_type": "fickling: a class by way of cloudpickle",
    "NumpyArrayWrapper": "joblib: reads a second pickle",
    "_TemporaryFileCloser": "__del__ removes a file of the recipe's choice",
    "add_extension": "cpython: find_class isn't asked for a cached extension",
    "loads": "a nested stream isn't restricted",
}


def add_pickles(vectors: Vectors) -> None:
    """Add them."""

    def bare(name: str, expect: str, payload: bytes, about: str, **more: Any) -> None:
        vectors.add(f"stream-{name}", "pickle", expect, payload, about, **more)

    seen: dict[str, int] = {}
    for module, qualname, arguments in GADGETS:
        name = f"gadget-{module}-{qualname}".lower().replace(".", "-").replace("_", "")
        seen[name] = seen.get(name, 0) + 1
        payload = b"\x80\x04" + _short(module) + _short(qualname) + b"\x93" + _plain(tuple(arguments)) + b"R."
        bare(
            name if seen[name] == 1 else f"{name}-{seen[name]}",
            "cannot load" if (module, qualname) in _CONSTRUCTIBLE else "not trusted",
            payload, f"{module}.{qualname} is called.", source=SOURCES.get(qualname, SOURCES.get(module, "")),
        )  # fmt: skip
    _spellings(bare)
    _names(bare)
    _states(bare)
    _spelt_otherwise(bare)
    _memo(bare)
    _lies(bare)
    _numbers(bare)
    _atoms(bare)
    _documents(bare)
    _growth(vectors)


_CONSTRUCTIBLE = {("_codecs", "encode")}


def _short(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return pickle.SHORT_BINUNICODE + bytes([len(raw)]) + raw


def _plain(value: Any) -> bytes:
    return pickle.dumps(value, 4).removeprefix(b"\x80\x04")[:-1] if not _framed(value) else _unframed(value)


def _framed(value: Any) -> bool:
    return pickle.dumps(value, 4)[2:3] == pickle.FRAME


def _unframed(value: Any) -> bytes:
    return pickle.dumps(value, 4)[11:-1]


def _spellings(bare: Any) -> None:
    """Add os.system("touch stolen"), in all the ways that there are."""
    plain = b"cos\nsystem\n"
    text = b"S'touch stolen'\n"
    args = b"(" + text + b"t"
    unicode = b"X\x0c\x00\x00\x00touch stolen"
    stacked = _short("os") + _short("system") + b"\x93"
    ways = [
        ("global-reduce", plain + args + b"R", range(6)),
        ("global-reduce-tuple1", plain + unicode + b"\x85R", range(2, 6)),
        ("inst", b"(" + text + b"ios\nsystem\n", range(6)),
        ("inst-empty", b"(ios\nsystem\n", range(6)),
        ("obj", b"(" + plain + text + b"o", range(6)),
        ("obj-empty", b"(" + plain + b"o", range(6)),
        ("newobj", plain + args + b"\x81", range(2, 6)),
        ("newobj-ex", plain + args + b"}\x92", range(4, 6)),
        ("stack-global", stacked + args + b"R", range(4, 6)),
        ("stack-global-dotted", _short("pathlib") + _short("os.system") + b"\x93" + args + b"R", range(4, 6)),
        ("global-dotted", b"cpathlib\nos.system\n" + args + b"R", range(6)),
        ("build-on-name", plain + b"}b", range(6)),
        ("build-on-name-with-state", plain + b"}" + text + text + b"sb", range(6)),
        ("build-on-name-with-slots", plain + b"(N}" + text + text + b"stb", range(6)),
        ("setitem-on-name", plain + text + text + b"s", range(6)),
        ("append-on-name", plain + text + b"a", range(6)),
        ("reference", plain, range(6)),
        ("two-calls", plain + args + b"R0" + b"N", range(6)),
        ("call-dropped-by-pop-mark", b"(" + plain + args + b"R1N", range(2, 6)),
        ("reference-as-key", b"}" + plain + b"Ns", range(6)),
        ("reference-in-frozenset", b"(" + plain + b"\x91", range(4, 6)),
        ("reference-added", b"\x8f(" + plain + b"\x90", range(4, 6)),
        ("reference-as-state", b"charmless\nPlain\n)\x81" + plain + b"b", range(2, 6)),
        ("reference-as-attribute", b"charmless\nPlain\n)\x81}" + b"S'a'\n" + plain + b"sb", range(2, 6)),
        ("reference-as-argument", b"charmless\nPair\n(" + plain + b"Nt\x81", range(2, 6)),
        ("reference-as-keyword", b"charmless\nByKeyword\n)}" + b"S'first'\n" + plain + b"s\x92", range(4, 6)),
        ("call-result-filled", plain + args + b"R}b", range(6)),
        ("call-result-extended", plain + args + b"RNa", range(6)),
        ("call-of-a-call", plain + args + b"R" + args + b"R", range(6)),
        ("call-of-a-text", text + args + b"R", range(6)),
        ("call-of-a-list", b"]" + args + b"R", range(6)),
    ]  # fmt: skip
    refused_early = {"call-of-a-text": "damaged", "call-of-a-list": "not trusted"}
    for name, body, protocols in ways:
        for protocol in protocols:
            head = b"" if protocol < 2 else bytes([0x80, protocol])
            bare(
                f"{name}-{protocol}", refused_early.get(name, "not trusted"), head + body + b".",
                f"os.system by {name.replace('-', ' ')}, in protocol {protocol}.",
                trust=("harmless.Plain", "harmless.Pair", "harmless.ByKeyword") if "as-" in name else (),
            )  # fmt: skip
    for opcode, size in ((pickle.EXT1, 1), (pickle.EXT2, 2), (pickle.EXT4, 4)):
        bare(
            f"extension-{size}", "cannot load", b"\x80\x02" + opcode + (5).to_bytes(size, "little") + args + b"R.",
            "A name by a code of copyreg's registry, which belongs to the process.",
            source="cpython: find_class isn't asked for a cached extension",
        )  # fmt: skip
        bare(f"extension-{size}-zero", "cannot load", b"\x80\x02" + opcode + bytes(size) + b".", "An extension code of 0.")
    bare("persistent-id", "cannot load", b"Pos.system\n.", "A persistent id.")
    bare("persistent-id-binary", "cannot load", b"\x80\x02X\x01\x00\x00\x00aQ.", "A persistent id of protocol 1.")
    bare("persistent-id-name", "cannot load", b"\x80\x02" + plain + b"Q.", "A persistent id that is os.system.")
    bare("next-buffer", "cannot load", b"\x80\x05\x97.", "A buffer out of band.")
    bare("read-only-buffer", "cannot load", b"\x80\x05\x8e\x00\x00\x00\x00\x00\x00\x00\x00\x98.", "A buffer made read-only.")


def _names(bare: Any) -> None:
    """Add names that aren't what they look like."""
    for name, module, qualname in [
        ("builtin-eval", "__builtin__", "eval"),
        ("builtin-getattr", "__builtin__", "execfile"),
        ("builtin-apply", "__builtin__", "apply"),
        ("builtin-reduce", "__builtin__", "reduce"),
        ("builtin-map", "itertools", "imap"),
        ("exceptions", "exceptions", "__import__"),
        ("copy-reg", "copy_reg", "add_extension"),
        ("commands", "commands", "getoutput"),
        ("user-dict", "UserDict", "os"),
        ("cpickle", "cPickle", "loads"),
        ("stringio", "StringIO", "os"),
        ("queue", "Queue", "os"),
        ("urllib", "urllib", "urlopen"),
        ("urllib2", "urllib2", "urlopen"),
        ("dbhash", "dbhash", "open"),
        ("dummy-thread", "dummy_thread", "start_new_thread"),
        ("thread", "thread", "start_new_thread"),
        ("subprocess", "subprocess", "check_output"),
        ("multiprocessing", "_multiprocessing", "Connection"),
        ("socket-fromfd", "_socket", "fromfd"),
        ("os-getcwdu", "os", "getcwdu"),
    ]:
        for protocol in (0, 2, 4):
            head = b"" if protocol < 2 else bytes([0x80, protocol])
            bare(
                f"python2-{name}-{protocol}", "not trusted", head + f"c{module}\n{qualname}\n(S'a'\ntR.".encode(),
                f"{module}.{qualname}, which Python 2 had, in protocol {protocol}.",
            )  # fmt: skip
    bare(
        "python2-trusted-name", "not trusted", b"c__builtin__\neval\n.", "__builtin__.eval is loaded as builtins.eval.",
        trust=("__builtin__.eval",),
    )  # fmt: skip
    bare("python2-range", "loads", b"c__builtin__\nxrange\n(I3\ntR.", "xrange is Python's range.", result="range(0, 3)")
    bare(
        "python2-set", "loads", b"c__builtin__\nset\n((lp0\nI1\natR.", "A set of Python 2, in protocol 0.", result="{1}",
    )  # fmt: skip
    bare("python2-object", "loads", b"ccopy_reg\n_reconstructor\n(c__builtin__\nobject\nc__builtin__\nobject\nNtR.",
         "An object of Python 2, in protocol 0.")  # fmt: skip
    bare("python2-text", "damaged", b"S'\\xff'\n.", "A str of Python 2 that isn't ASCII.")
    bare("python2-unicode", "loads", b"V\\u00e4\n.", "A unicode of Python 2.", result="'ä'")
    for name, operand in [
        ("number", b"K\x01"), ("none", b"N"), ("bytes", b"C\x02os"), ("list", b"]"), ("tuple", b")"), ("name", b"cos\npath\n"),
    ]:  # fmt: skip
        bare(f"stack-global-module-{name}", "damaged", b"\x80\x04" + operand + _short("system") + b"\x93.", f"A module that is a {name}.")
        bare(f"stack-global-name-{name}", "damaged", b"\x80\x04" + _short("os") + operand + b"\x93.", f"A name that is a {name}.")
    bare("stack-global-empty-module", "damaged", b"\x80\x04" + _short("") + _short("x") + b"\x93.", "A module without name.")
    bare("stack-global-empty-name", "damaged", b"\x80\x04" + _short("os") + _short("") + b"\x93.", "A name that is empty.")
    bare("stack-global-short", "damaged", b"\x80\x04" + _short("os") + b"\x93.", "A name without its module.")
    for name, module in [
        ("nul", "harmless\0"), ("space", "harmless "), ("tab", "harmless\t"), ("return", "harmless\r"), ("bom", "\ufeffharmless"),
        ("surrogate", "harmless\udcff"), ("full-width", "ｈarmless"), ("ligature", "harmle\ufb06"), ("combining", "harmless\u0301"),
    ]:  # fmt: skip
        raw = module.encode("utf-8", "surrogatepass")
        bare(
            f"global-alphabet-{name}", "damaged" if name == "surrogate" else "not trusted",
            b"\x80\x02c" + raw + b"\nPlain\n)\x81.", "GLOBAL with a module that only looks like the trusted one.", trust=PLAIN,
        )  # fmt: skip
    bare("global-latin", "damaged", b"cos\nsyst\xe4m\n.", "GLOBAL with a name that isn't UTF-8.")
    bare("global-without-end", "damaged", b"cos\nsystem", "GLOBAL whose line doesn't end.")
    bare("global-empty", "damaged", b"c\n\n.", "GLOBAL without names.")
    bare("inst-without-mark", "damaged", b"ios\nsystem\n.", "INST without a mark.")
    bare("obj-without-class", "damaged", b"(o.", "OBJ without a class.")
    bare("obj-without-mark", "damaged", b"cos\nsystem\no.", "OBJ without a mark.")


def _states(bare: Any) -> None:
    plain = b"\x80\x04charmless\nPlain\n)\x81"
    other = b"charmless\nOther\n"
    trust = ("harmless.Plain", "harmless.Other")
    for name, state in [
        ("dict", b"}" + _short("__class__") + other + b"s"),
        ("dict-empty-slots", b"}" + _short("__class__") + other + b"s}\x86"),
        ("slots", b"N}" + _short("__class__") + other + b"s\x86"),
        ("slots-of-two", b"}}" + _short("a") + b"N" + b"s" + _short("__class__") + other + b"s\x86"),
        ("memo", _short("__class__") + b"q\x050}h\x05" + other + b"s"),
        ("after-build", b"}q\x06b" + b"h\x06" + _short("__class__") + other + b"s0h\x06"),
    ]:
        bare(
            f"build-class-{name}", "cannot load" if name != "dict" else "not trusted", plain + state + b"b.",
            "BUILD names __class__.", trust=trust,
        ) if name not in ("dict-empty-slots", "memo", "after-build") else bare(
            f"build-class-{name}", "not trusted" if name == "memo" else "cannot load", plain + state + b"b.",
            "BUILD names __class__.", trust=trust,
        )  # fmt: skip
    bare("build-without-state", "damaged", b"\x80\x04b.", "BUILD with nothing there.")
    bare("build-on-number", "damaged", b"\x80\x04K\x01}b.", "BUILD on a number.")
    bare("build-on-text", "damaged", b"\x80\x04" + _short("a") + b"}b.", "BUILD on a text.")
    bare("build-on-list", "not trusted", b"\x80\x04]}b.", "BUILD on a list.")
    bare("build-on-dict", "not trusted", b"\x80\x04}}b.", "BUILD on a dictionary.")
    bare("build-on-tuple", "not trusted", b"\x80\x04)}b.", "BUILD on a tuple.")
    bare(
        "build-on-class", "not trusted", b"\x80\x04charmless\nPlain\nN}" + _short("method") + b"Ns\x86b.",
        "BUILD with slots on a class: setattr for the whole process.", trust=PLAIN, source="picklescan, fickling",
    )  # fmt: skip
    bare(
        "build-on-class-made", "cannot load", b"\x80\x04charmless\nMeta\n" + _short("X") + b")}\x87\x81N}" + _short("a") + b"Ns\x86b.",
        "BUILD on a class that NEWOBJ made of a metaclass.", trust=("harmless.Meta",),
    )  # fmt: skip
    bare("append-on-tuple", "not trusted", b"\x80\x04)Na.", "APPEND on a tuple.")
    bare("append-on-dict", "not trusted", b"\x80\x04}Na.", "APPEND on a dictionary.")
    bare("append-on-number", "damaged", b"\x80\x04K\x01Na.", "APPEND on a number.")
    bare("setitem-on-list", "not trusted", b"\x80\x04]NNs.", "SETITEM on a list.")
    bare("setitems-odd", "damaged", b"\x80\x04}(Nu.", "SETITEMS with a key and no value.")
    bare("dict-odd", "damaged", b"(Nd.", "DICT with a key and no value.")
    bare("additems-on-list", "not trusted", b"\x80\x04](N\x90.", "ADDITEMS on a list.")
    bare("unhashable-key", "cannot load", b"}]Ns.", "A key that is a list.")
    bare("unhashable-item", "cannot load", b"\x80\x04\x8f(]\x90.", "A set of a list.")
    bare("newobj-list-arguments", "damaged", b"\x80\x04charmless\nPlain\n]\x81.", "NEWOBJ with a list for a tuple.", trust=PLAIN)
    bare("newobj-ex-list-keywords", "damaged", b"\x80\x04charmless\nPlain\n)](NNe\x92.", "NEWOBJ_EX with a list for keywords.", trust=PLAIN)
    bare("newobj-ex-tuple-keywords", "damaged", b"\x80\x04charmless\nPlain\n)(NNt\x92.", "NEWOBJ_EX with a tuple for keywords.", trust=PLAIN)
    bare("newobj-ex-set-keywords", "damaged", b"\x80\x04charmless\nPlain\n)\x8f(N\x90\x92.", "NEWOBJ_EX with a set for keywords.", trust=PLAIN)
    bare("newobj-ex-number-keywords", "damaged", b"\x80\x04charmless\nPlain\n)}K\x01K\x02s\x92.", "NEWOBJ_EX with a number as keyword.", trust=PLAIN)
    bare("newobj-ex-same-keywords", "damaged", b"\x80\x04charmless\nByKeyword\n)}(" + _short("first") + b"K\x01" + _short("first") + b"K\x02u\x92.",
         "NEWOBJ_EX with a keyword twice.", trust=("harmless.ByKeyword",))  # fmt: skip
    bare("reduce-list-arguments", "damaged", b"cos\nsystem\n]R.", "REDUCE with a list for a tuple.")
    bare("reduce-none", "damaged", b"cos\nsystem\nNR.", "REDUCE with None for a tuple.", source="ExtensionClass")


def _spelt_otherwise(bare: Any) -> None:
    """Add calls that are a spelling of something else."""
    get = b"\x80\x04cbuiltins\ngetattr\n"
    module = b"cimportlib\nimport_module\n" + _short("os") + b"\x85R"
    run = _short(TOUCH) + b"\x85R."
    bare("getattr-of-module", "not trusted", get + module + _short("system") + b"\x86R" + run, "getattr(import_module('os'), 'system').")
    bare("getattr-of-name", "not trusted", get + b"cpathlib\nos\n" + _short("system") + b"\x86R" + run, "getattr(pathlib.os, 'system').")
    bare("getattr-dotted", "not trusted", get + b"cpathlib\nPath\n" + _short("__init__.__globals__") + b"\x86R.", "getattr with dots.")
    bare("getattr-of-result", "not trusted", get + b"cos\nsystem\n" + b")R" + _short("x") + b"\x86R.", "getattr of what os.system returned.")
    bare("getattr-of-list", "cannot load", get + b"]" + _short("__class__") + b"\x86R.", "getattr([], '__class__').")
    bare("getattr-number", "not trusted", get + b"]K\x01\x86R.", "getattr with a number.")
    bare("getattr-default", "not trusted", get + b"]" + _short("a") + b"N\x87R.", "getattr with a default.")
    bare("getattr-long", "damaged", get + b"cos\npath\n" + b"X\xe8\x03\x00\x00" + b"a" * 1000 + b"\x86R.", "getattr with a text of 1,000 letters.")
    bare(
        "getattr-of-getattr",
        "not trusted",
        get + get[2:] * 2 + _short("__self__") + b"\x86R" + _short("eval") + b"\x86R.",
        "getattr(getattr.__self__, 'eval').",
    )
    bare("import-relative", "not trusted", b"\x80\x04cimportlib\nimport_module\n" + _short(".os") + b"\x85R.", "import_module('.os').")
    bare("import-package", "not trusted", b"\x80\x04cimportlib\nimport_module\n" + _short("os") + _short("os") + b"\x86R.", "import_module('os', 'os').")
    bare("import-empty", "damaged", b"\x80\x04cimportlib\nimport_module\n" + _short("") + b"\x85R.", "import_module('').")
    for name, args, expect in [
        ("foreign-base", b"cos\nsystem\ncos\nsystem\nN\x87", "not trusted"),
        ("list-base", b"charmless\nNumbers\ncbuiltins\nlist\n](K\x01K\x02e\x87", "not trusted"),
        ("base-and-state", b"charmless\nPlain\ncbuiltins\nobject\n}\x87", "not trusted"),
        ("object", b"charmless\nPlain\ncbuiltins\nobject\nN\x87", "loads"),
        ("two", b"charmless\nPlain\ncbuiltins\nobject\n\x86", "not trusted"),
    ]:
        bare(
            f"reconstructor-{name}", expect, b"\x80\x04ccopyreg\n_reconstructor\n" + args + b"R.",
            "copyreg._reconstructor calls the __new__ and __init__ of a base that the file names.", trust=("harmless.Plain", "harmless.Numbers"),
        )  # fmt: skip
    bare("newobj-function", "not trusted", b"\x80\x02ccopyreg\n__newobj__\ncos\nsystem\n\x85R.", "copyreg.__newobj__(os.system).")
    bare("newobj-function-empty", "not trusted", b"\x80\x02ccopyreg\n__newobj__\n)R.", "copyreg.__newobj__().")
    bare("newobj-ex-function", "cannot load", b"\x80\x02ccopyreg\n__newobj_ex__\ncos\nsystem\n)}\x87R.", "copyreg.__newobj_ex__(os.system, (), {}).")
    bare(
        "restore-state",
        "not trusted",
        b"\x80\x04cappsnap.evolve\nrestore_state\ncharmless\nPlain\n}" + _short("x") + b"Ns\x86R.",
        "restore_state of a class.",
        trust=PLAIN,
    )
    bare("restore-state-dunder", "not trusted",
         b"\x80\x04cappsnap.evolve\nrestore_state\ncharmless\nPlain\n)\x81}" + _short("__class__") + b"Ns\x86R.",
         "restore_state with __class__.", trust=PLAIN)  # fmt: skip
    bare("restore-state-number", "damaged", b"\x80\x04cappsnap.evolve\nrestore_state\nK\x01}\x86R.", "restore_state of a number.")
    bare("type-of-none", "loads", b"\x80\x04cbuiltins\ntype\nN\x85R.", "type(None).", result="<class 'NoneType'>")
    bare("type-of-number", "not trusted", b"\x80\x04cbuiltins\ntype\nK\x01\x85R.", "type(1).")
    bare("type-of-three", "not trusted", b"\x80\x04cbuiltins\ntype\n" + _short("X") + b")}\x87R.", "type('X', (), {}).")


def _memo(bare: Any) -> None:
    system, args = b"cos\nsystem\n", b"(S'touch stolen'\ntR."
    safe = b"cbuiltins\nlist\n"
    bare("memo-overwritten", "not trusted", safe + b"p0\n0" + system + b"p0\n0g0\n" + args, "A memo that is overwritten: the last one counts.")
    bare("memo-before", "not trusted", system + b"p0\n0" + safe + b"p1\n0g0\n" + args, "A call of what the memo keeps.")
    bare("memo-name-in-pieces", "not trusted",
         b"\x80\x04" + _short("os") + b"\x940" + _short("system") + b"\x940h\x00h\x01\x93" + args, "A name of texts in the memo.")  # fmt: skip
    bare("memo-long", "not trusted", b"\x80\x02" + system + b"r\xff\xff\xff\x7f0j\xff\xff\xff\x7f" + args, "A memo number of 31 bits.",
         source="nine bytes of LONG_BINPUT ask for 34 GB")  # fmt: skip
    bare("memo-long-alone", "loads", b"\x80\x02Nr\xff\xff\xff\xff.", "LONG_BINPUT with the largest number.", result="None",
         source="nine bytes of LONG_BINPUT ask for 34 GB")  # fmt: skip
    bare("memo-missing", "damaged", b"g5\n.", "A memo that there isn't.")
    bare("memo-negative", "damaged", b"Np-1\n.", "A negative memo number.")
    bare("memo-no-number", "damaged", b"Npx\n.", "A memo number that is none.")
    bare("memo-huge", "damaged", b"Np" + b"9" * 5000 + b"\n.", "A memo number of 5,000 digits.")
    colliding = b"".join(b"p%d\n" % ((2**61 - 1) * number) for number in range(1, 20_000))
    bare("memo-collisions", "damaged", b"N" + colliding + b".", "20,000 memo numbers with the same hash.")
    bare("memo-of-nothing", "damaged", b"p0\n.", "PUT with an empty stack.")
    bare("memo-of-mark", "damaged", b"(p0\n.", "PUT with only a mark on the stack.")
    bare("memoize-order", "not trusted", b"\x80\x04" + system + b"\x94" + safe + b"\x9400h\x00" + args, "MEMOIZE counts what PUT has put.")
    bare("dup", "not trusted", system + b"20" + args, "DUP and POP leave the name where it was.")
    bare("dup-list", "loads", b"]2Na0.", "DUP of a list, the copy of which is filled.", result="[None]")
    bare("dup-dict", "loads", b"}2(NNu0.", "DUP of a dictionary, the copy of which is filled.", result="{None: None}")
    bare("dup-tuple", "loads", b"\x80\x02]\x852\x86.", "DUP of a tuple with a list.", result="(([],), ([],))")
    bare("pop-mark", "not trusted", b"(" + safe + b"1" + system + args, "POP_MARK takes a harmless name away.")
    bare("pop-takes-mark", "loads", b"(0N.", "POP takes a mark.", result="None")
    bare("pop-empty", "damaged", b"0N.", "POP with nothing there.")
    bare("stop-empty", "damaged", b".", "STOP with nothing there.")
    bare("stop-on-mark", "damaged", b"(.", "STOP with only a mark.")
    bare("stop-below-mark", "damaged", b"N(.", "STOP with a mark on the result.")
    bare("stack-left", "not trusted", system + b"(S'touch stolen'\ntRN.", "A call whose result is left on the stack.")
    bare("cycle-in-key", "cannot load", b"\x80\x02}q\x00h\x00\x85Ns.", "A dictionary with a tuple of itself as key.")
    bare("cycle-in-tuple", "loads", b"\x80\x02]q\x00h\x00\x85a.", "A list with a tuple of itself.", result="[([...],)]")
    bare("shared-state", "loads",
         b"\x80\x04charmless\nPlain\n)\x81}q\x00" + _short("a") + b"K\x01sb0charmless\nPlain\n)\x81h\x00b.",
         "A dictionary that is the state of two objects.", trust=PLAIN)  # fmt: skip
    bare("state-changed-later", "loads",
         b"\x80\x04charmless\nPlain\n)\x81}q\x00" + _short("a") + b"K\x01sbh\x00" + _short("b") + b"K\x02s0.",
         "A dictionary that is changed after it was a state.", trust=PLAIN)  # fmt: skip


def _lies(bare: Any) -> None:
    """Add lengths, frames and streams that aren't what they say."""
    evil = b"cos\nsystem\n(S'touch stolen'\ntR."
    for name, length in [("short", 2), ("long", 1 << 40), ("largest", 2**64 - 1), ("zero", 0), ("by-one", len(evil) + 1)]:
        bare(
            f"frame-{name}", "damaged" if length > len(evil) else "not trusted", b"\x80\x04\x95" + struct.pack("<Q", length) + evil,
            f"A frame that says it has {length} bytes.", source="cpython#154848",
        )  # fmt: skip
    bare("frame-nested", "not trusted", b"\x80\x04\x95" + struct.pack("<Q", 9 + len(evil)) + b"\x95" + struct.pack("<Q", len(evil)) + evil,
         "A frame in a frame.", source="cpython#154848")  # fmt: skip
    bare("frame-in-text", "not trusted",
         b"\x80\x04\x95" + struct.pack("<Q", 4) + b"\x8c\x0cN.          0" + evil, "A frame that ends in a text.", source="cpython#154848")  # fmt: skip
    for name, opcode, size in [
        ("text", b"X", "<I"), ("text8", b"\x8d", "<Q"), ("bytes", b"B", "<I"), ("bytes8", b"\x8e", "<Q"), ("bytearray", b"\x96", "<Q"),
        ("old-text", b"T", "<i"), ("integer", b"\x8b", "<i"),
    ]:  # fmt: skip
        most = 2 ** (8 * struct.calcsize(size)) - 1 if size != "<i" else 2**31 - 1
        for length in (most, 100):
            bare(f"length-{name}-{length}", "damaged", b"\x80\x05" + opcode + struct.pack(size, length) + b"abc.",
                 f"{length} bytes are announced, 4 are there.")  # fmt: skip
    bare("length-old-text-negative", "damaged", b"T\xff\xff\xff\xffabc.", "A text of -1 bytes.")
    bare("length-integer-negative", "damaged", b"\x80\x02\x8b\xff\xff\xff\xffabc.", "An integer of -1 bytes.")
    bare("second-stream", "damaged", b"\x80\x04N." + evil, "A second pickle behind the first.")
    bare("trailing-byte", "damaged", b"\x80\x04N.\n", "A line feed behind the pickle.")
    bare("text-not-utf8", "damaged", b"\x80\x04\x8c\x02\xff\xfe.", "A text that isn't UTF-8.")
    bare("text-surrogate", "loads", b"\x80\x04\x8c\x03\xed\xa0\x80.", "A lone surrogate.", result="'\\ud800'")
    bare("text-overlong", "damaged", b"\x80\x04\x8c\x02\xc0\x80.", "A NUL in two bytes.")
    for protocol in (6, 255):
        bare(f"protocol-{protocol}", "damaged", bytes([0x80, protocol]) + b"N.", f"Protocol {protocol}, which there isn't.")
    bare("protocol-twice", "not trusted", b"\x80\x02\x80\x04" + b"cos\nsystem\n.", "PROTO twice.")
    bare("protocol-lowered", "not trusted", b"\x80\x04\x80\x02c__builtin__\neval\n.", "PROTO 2 behind PROTO 4: old names count again.")
    bare("protocol-raised", "not trusted", b"\x80\x02\x80\x04c__builtin__\neval\n.", "PROTO 4 behind PROTO 2.")
    bare("opcode-unknown", "damaged", b"\x80\x04\xff.", "An opcode that there isn't.")
    bare("opcode-nul", "damaged", b"\x00.", "A NUL.")
    bare("empty", "damaged", b"", "Nothing.")
    bare("ends-early", "damaged", b"\x80\x04]", "No STOP.")
    bare("ends-in-number", "damaged", b"J\x01", "An integer of one byte instead of four.")
    bare("ends-in-line", "damaged", b"I12", "A line without end.")
    bare("marks", "damaged", b"(" * 1_000_000 + b".", "A million marks.")
    bare("lists", "loads", b"]" * 20_000 + b"a" * 19_999 + b".", "20,000 lists in each other, in protocol 0.")
    bare("tuples", "loads", b"\x80\x02)" + b"\x85" * 20_000 + b".", "20,000 tuples in each other.")
    bare("tuple-dag", "loads", b"\x80\x02)" + b"2\x86" * 200 + b".", "A tuple of a tuple twice, 200 times.")
    bare("tuple-dag-as-key", "cannot load", b"\x80\x02})" + b"2\x86" * 60 + b"Ns.", "A tuple of a tuple twice, 60 times, as key: 130 bytes.")
    bare("dicts-as-states", "loads", b"\x80\x04" + b"charmless\nPlain\n)\x81}\x8c\x01a" * 5_000 + b"N" + b"sb" * 5_000 + b".",
         "5,000 objects, each in the state of another.", trust=PLAIN)  # fmt: skip
    big = b"\x8b" + struct.pack("<i", 200_000) + b"\x01" * 200_000
    bare("integer-shared", "damaged", b"\x80\x02" + big + b"q\x000](" + b"h\x00" * 20_000 + b"e.",
         "An integer of 1.6 million bits, 20,000 times: it may be neither shown nor written so often.")  # fmt: skip
    bare("member-name-shared", "damaged",
         b"\x80\x04X" + struct.pack("<I", 200_000) + b"a" * 200_000 + b"q\x000cbuiltins\ngetattr\nq\x010]("
         + b"h\x01]h\x00\x86R" * 5_000 + b"e.", "A method with a name of 200,000 letters, 5,000 times.")  # fmt: skip
    plain = b"\x80\x04charmless\nPlain\nq\x00"
    bare("arguments-shared", "cannot load", plain + b"0(" + b"N" * 15_000 + b"tq\x010(" + b"h\x00h\x01\x81" * 3_000 + b"t.",
         "15,000 arguments, of 3,000 objects.", trust=PLAIN)  # fmt: skip
    bare("arguments-shared-long", "cannot load", plain + b"0" + big + b"\x85q\x010(" + b"h\x00h\x01\x81" * 3_000 + b"t.",
         "An integer of 1.6 million bits, an argument of 3,000 objects.", trust=PLAIN)  # fmt: skip
    bare("frames", "loads", b"\x80\x04" + (b"\x95" + bytes(8)) * 100_000 + b"N.", "100,000 empty frames.", result="None")


def _numbers(bare: Any) -> None:
    bare("integer-digits", "damaged", b"I" + b"9" * 5000 + b"\n.", "An integer of 5,000 digits in base 10: reading it takes quadratic time.")
    bare("long-digits", "damaged", b"L" + b"9" * 5000 + b"L\n.", "A long of 5,000 digits in base 10.")
    bare("integer-binary", "loads", b"\x80\x02\x8b\x00\x10\x00\x00" + b"\x7f" * 4096 + b".", "An integer of 32,768 bits.")
    bare("integer-empty", "loads", b"\x80\x02\x8a\x00.", "An integer of no bytes.", result="0")
    bare("integer-letters", "damaged", b"Iabc\n.", "An integer of letters.")
    bare("integer-empty-line", "damaged", b"I\n.", "An integer of nothing.")
    bare("integer-underscores", "damaged", b"I1_0\n.", "An integer with an underscore, which pickle never wrote.")
    bare("integer-spaces", "damaged", b"I 1 \n.", "An integer with spaces, which pickle never wrote.")
    bare("boolean", "loads", b"I01\n.", "A boolean of protocol 0.", result="True")
    bare("float-letters", "damaged", b"Fabc\n.", "A float of letters.")
    bare("float-underscores", "damaged", b"F1_0.0\n.", "A float with an underscore.")
    bare("float-nan", "loads", b"Fnan\n.", "A float that is no number.", result="nan")
    bare("float-digits", "loads", b"F0." + b"1" * 100_000 + b"\n.", "A float of 100,000 digits.")
    bare("float-exponent", "loads", b"F1e999999999\n.", "A float beyond all.", result="inf")
    bare("string-escape", "loads", b"S'\\x41\\n'\n.", "An escape in a str.", result="'A\\n'")
    bare("string-without-quotes", "damaged", b"Sabc\n.", "A str without quotes.")
    bare("string-one-quote", "damaged", b"S'\n.", "A str of one quote.")
    bare("string-bad-escape", "damaged", b"S'\\x4'\n.", "An escape that is cut off.")
    bare("string-odd-escape", "loads", b"S'\\q'\n.", "An escape that there isn't: no warning.", result="'\\\\q'")
    bare("unicode-bad-escape", "damaged", b"V\\u00\n.", "An escape that is cut off.")
    bare("unicode-large-escape", "damaged", b"V\\Uffffffff\n.", "A character beyond Unicode.")


def _atoms(bare: Any) -> None:
    bare("bytearray-shared", "loads", b"\x80\x05\x96\x01\x00\x00\x00\x00\x00\x00\x00aq\x00h\x00\x86.", "A bytearray twice.",
         result="(bytearray(b'a'), bytearray(b'a'))")  # fmt: skip
    bare("true-as-tuple", "damaged", b"\x80\x02cos\nsystem\n\x88R.", "Arguments that are True.")
    bare("name-as-arguments", "damaged", b"cos\nsystem\ncos\nsystem\nR.", "Arguments that are a name.")
    bare("tuple-twice-as-arguments", "not trusted", b"\x80\x02)q\x000cos\nsystem\nh\x00Rcos\nsystem\nh\x00R\x86.", "Arguments that are shared.")


def _documents(bare: Any) -> None:
    """Add header and trailer that are no plain data, or tell another story than the body."""
    body = b"\x80\x04N."
    system = b"cos\nsystem\n(S'touch stolen'\ntR"
    good = document("pickle", body)
    bare("document", "loads", good, "Header, body and trailer.", result="None")
    start = b"\x80\x05\x95" + struct.pack("<Q", 40) + b"}\x94(\x8c\x07appsnap"
    bare("header-with-call", "damaged", start + system + b"u." + body, "A call in the header.")
    bare("header-with-name", "damaged", start + b"cos\nsystem\nu." + body, "A name in the header.")
    bare("header-unhashable", "damaged", start + b"K\x01]Nu." + body + body, "A key in the header that is a list.")
    for name, number in [("zero", 0), ("negative", -1), ("newer", 2), ("text", "1"), ("float", 1.0), ("true", True), ("huge", 10**5000)]:
        expect = "newer format" if name in ("newer", "huge") else "damaged"
        bare(f"format-{name}", expect, document("pickle", body, {"appsnap": number}), "A format number that this is not.",
             source="CVE: an old number selects a weaker reader" if name in ("zero", "negative") else "")  # fmt: skip
    for name, size in [("more", len(body) + 1), ("less", len(body) - 1), ("negative", -1), ("huge", 2**70), ("text", "4"), ("true", True), ("none", None)]:
        bare(f"size-{name}", "damaged", document("pickle", body, {"size": size}), f"A body that should have the size {size}.")
    bare("kind-other", "damaged", document("pickle", body, {"kind": "msgpack"}), "A header that says msgpack.")
    bare("kind-unknown", "damaged", document("pickle", body, {"kind": "python"}), "A header that says python.")
    bare("kind-list", "damaged", document("pickle", body, {"kind": ["pickle"]}), "A kind that is a list.")
    bare("name-number", "damaged", document("pickle", body, {"name": 5}), "A name that is a number.")
    bare("tag-surrogate", "loads", document("pickle", body, {"tag": "\ud800"}), "A tag that is a lone surrogate.", result="None")
    bare("tag-controls", "loads", document("pickle", body, {"tag": "a\n\x1b[2J\u202eb\0"}), "A tag with controls.", result="None")
    bare("header-unknown-key", "loads", document("pickle", body, {"more": [1]}), "A key that a reader doesn't know.", result="None")
    bare("trust-in-header", "not trusted", document("pickle", system + b".", {"trust": ["*", "os.system", "call:os.system"]}),
         "The header says what may be trusted.", source="mlflow GHSA-w582-9x45-8mpx")  # fmt: skip
    bare("trust-in-trailer", "not trusted", document("pickle", system + b".", None, {"trust": ["call:os.system"], "restored_by_call": ["os.system"]}),
         "The trailer says what may be trusted.", source="mlflow GHSA-w582-9x45-8mpx")  # fmt: skip
    bare("checksum-wrong", "damaged", document("pickle", body, None, {"sha256": "0" * 64}), "A wrong checksum.")
    bare("checksum-wrong-before-body", "damaged", document("pickle", system + b".", None, {"sha256": "0" * 64}),
         "A wrong checksum and a call: the checksum comes first.")  # fmt: skip
    bare("checksum-missing", "damaged", document("pickle", body, None, {"sha256": None}), "No checksum.")
    bare("checksum-upper", "damaged", document("pickle", body, None, {"sha256": "A" * 64}), "A checksum in capitals.")
    bare("distributions-list", "damaged", document("pickle", body, None, {"distributions": []}), "Distributions that are a list.")
    bare("distributions-surrogate", "loads", document("pickle", body, None, {"distributions": {"\ud800": "\ud800"}}),
         "A distribution whose name is a lone surrogate.", result="None")  # fmt: skip
    bare("steps-text", "damaged", document("pickle", body, None, {"steps": "x"}), "A count of steps that is a text.")
    bare("trailer-call", "damaged", good[: -len(good) + good.index(body) + len(body)] + b"\x80\x04" + system + b".", "A trailer that is a call.")
    bare("trailer-none", "damaged", good[: good.index(body) + len(body)] + b"N.", "A trailer that is None.")
    bare("trailer-missing", "damaged", good[: good.index(body) + len(body)], "No trailer.")
    bare("trailer-followed", "damaged", good + b"N.", "Something behind the trailer.")
    bare("truncated", "damaged", good[:-10], "A truncated trailer.")
    bare("altered", "damaged", good.replace(b"3.11.0", b"3.11.1"), "An altered header.")
    bare("body-two", "damaged", document("pickle", body + body), "A body of two pickles.")
    bare("body-empty", "damaged", document("pickle", b""), "A body of nothing.")
    bare("body-unfinished", "damaged", document("pickle", b"\x80\x04]"), "A body without STOP, behind which the trailer stands.")


def _growth(vectors: Vectors) -> None:
    """Add what took more than linear time."""
    imports = b"".join(_short(f"a{number}") + _short("X") + b"\x93" for number in range(10_000))
    vectors.add(
        "grows-imports",
        "pickle",
        "not trusted",
        b"\x80\x04(" + imports + b"t.",
        "10,000 names that end alike: in source, each is imported as another.",
    )
