"""Texts, streams, parsers and messages: re, io, string, email, xml, json, csv, argparse, configparser, logging and more."""

import argparse
import ast
import bz2
import codecs
import collections
import configparser
import copy
import csv
import difflib
import email.message
import email.policy
import fileinput
import fnmatch
import gettext
import hashlib
import hmac
import html.parser
import http.client
import http.cookiejar
import http.cookies
import inspect
import io
import json
import linecache
import locale
import logging
import logging.handlers
import lzma
import mailbox
import mimetypes
import optparse
import pprint
import re
import reprlib
import sched
import shlex
import sqlite3
import string
import struct
import textwrap
import timeit
import tokenize
import traceback
import types
import urllib.parse
import urllib.request
import urllib.robotparser
import warnings
import wsgiref.headers
import xml.dom.minidom
import xml.etree.ElementTree as ET
import xml.sax.xmlreader
import xmlrpc.client
import zipfile
import zlib

from trials.things import filled


class Stream(io.StringIO):
    """A stream with attributes."""


class Template(string.Template):
    """A template of its own."""

    delimiter = "%"


class Handler(logging.Handler):
    """A handler of its own."""

    def emit(self, record):
        pass


class Parser(html.parser.HTMLParser):
    """A parser of its own."""


class Formatter(logging.Formatter):
    """A formatter of its own."""


class Filter(logging.Filter):
    """A filter of its own."""


def _string_io():
    it = io.StringIO("line\nmore\r\n", newline=None)
    it.readline()
    return it


def _bytes_io():
    it = io.BytesIO(b"abcdef")
    it.seek(3)
    return it


def _closed():
    it = io.StringIO("a")
    it.close()
    return it


def _argparse():
    parser = argparse.ArgumentParser("prog", description="d")
    parser.add_argument("-n", type=int, default=3)
    parser.add_argument("--flag", action="store_true")
    return parser


def _optparse():
    parser = optparse.OptionParser("usage")
    parser.add_option("-n", type=int, default=3)
    return parser


def _config():
    parser = configparser.ConfigParser()
    parser.read_dict({"a": {"x": "1", "y": "%(x)s2"}})
    return parser


def _message():
    it = email.message.EmailMessage()
    it["Subject"] = "Grüße"
    it["To"] = "a@example.org"
    it.set_content("text ä")
    it.add_attachment(b"data", maintype="a", subtype="b", filename="f")
    return it


def _old_message():
    it = email.message.Message()
    it["Subject"] = "s"
    it.set_payload("text")
    return it


def _element():
    root = ET.Element("a", {"x": "1"})
    root.text = "t"
    ET.SubElement(root, "b").tail = "tail"
    return root


def _cookies():
    it = http.cookies.SimpleCookie()
    it["a"] = "1"
    it["a"]["path"] = "/"
    return it


def _record():
    return logging.LogRecord("n", 20, "p", 1, "m %s", ("x",), None)


def _logger():
    it = logging.getLogger("trials.texts")
    it.setLevel(logging.INFO)
    return it


def _headers():
    it = wsgiref.headers.Headers()
    it.add_header("A", "b", c="d")
    return it


def _robots():
    it = urllib.robotparser.RobotFileParser()
    it.parse(["User-agent: *", "Disallow: /x"])
    return it


def _mime():
    it = mimetypes.MimeTypes()
    it.add_type("a/b", ".zzz")
    return it


def _traceback():
    try:
        raise ValueError("x")
    except ValueError as error:
        return traceback.TracebackException.from_exception(error)


def _stack():
    return traceback.StackSummary.from_list([("f.py", 3, "name", "line")])


def _zipinfo():
    return zipfile.ZipInfo("a.txt", (2024, 1, 1, 0, 0, 0))


THINGS = {
    "re": lambda: re.compile("a(?P<n>b)", re.MULTILINE | re.VERBOSE),
    "re bytes": lambda: re.compile(rb"\d", re.DOTALL),
    "re method": lambda: re.compile("a+").findall,
    "re match": lambda: re.match("a", "a"),
    "re scanner": lambda: re.Scanner([("a", "A")]),
    "stringio": _string_io,
    "stringio fresh": lambda: io.StringIO(),
    "stringio subclass": lambda: filled(Stream("abc"), note=[1]),
    "stringio closed": _closed,
    "bytesio": _bytes_io,
    "bytesio with attribute": lambda: filled(io.BytesIO(b"abc"), name="n"),
    "bufferedreader": lambda: io.BufferedReader(io.BytesIO(b"abc")),
    "textiowrapper": lambda: io.TextIOWrapper(io.BytesIO(b"abc")),
    "newline decoder": lambda: io.IncrementalNewlineDecoder(None, translate=True),
    "template": lambda: string.Template("$a ${b}"),
    "template subclass": lambda: Template("%a"),
    "formatter": lambda: string.Formatter(),
    "textwrapper": lambda: textwrap.TextWrapper(30, initial_indent="> "),
    "struct": lambda: struct.Struct("<ih"),
    "struct method": lambda: struct.Struct("<h").pack,
    "codec info": lambda: codecs.lookup("utf-8"),
    "codec functions": lambda: [codecs.getencoder("latin-1"), codecs.getreader("utf-8"), codecs.strict_errors],
    "codec incremental": lambda: codecs.getincrementaldecoder("utf-8")(),
    "email": _message,
    "email old": _old_message,
    "email policy": lambda: email.policy.SMTP.clone(max_line_length=50),
    "email header": lambda: _message()["Subject"],
    "email address": lambda: email.headerregistry.Address("A", "a", "example.org"),
    "element": _element,
    "element tree": lambda: ET.ElementTree(_element()),
    "qname": lambda: ET.QName("u", "t"),
    "minidom": lambda: xml.dom.minidom.parseString("<a x='1'><b>t</b></a>"),
    "sax attributes": lambda: xml.sax.xmlreader.AttributesImpl({"a": "b"}),
    "xml parser": lambda: ET.XMLParser(),
    "json encoder": lambda: json.JSONEncoder(indent=2),
    "json decoder": lambda: json.JSONDecoder(),
    "csv dialect": lambda: csv.get_dialect("excel"),
    "csv reader": lambda: csv.reader(["a,b"]),
    "csv dictreader": lambda: csv.DictReader(["a,b", "1,2"]),
    "csv sniffer": lambda: csv.Sniffer(),
    "argparse": _argparse,
    "argparse namespace": lambda: argparse.Namespace(a=1),
    "argparse suppress": lambda: [argparse.SUPPRESS, {"default": argparse.SUPPRESS}],
    "argparse action": lambda: _argparse()._actions[1],
    "optparse": _optparse,
    "optparse values": lambda: optparse.Values({"a": 1}),
    "configparser": _config,
    "configparser section": lambda: _config()["a"],
    "hash": lambda: hashlib.sha256(b"a"),
    "hmac": lambda: hmac.new(b"k", b"m", "sha256"),
    "html parser": lambda: Parser(),
    "http cookies": _cookies,
    "http cookiejar": lambda: http.cookiejar.CookieJar(),
    "http message": lambda: http.client.HTTPMessage(),
    "http connection": lambda: http.client.HTTPConnection("localhost", 80),
    "url": lambda: urllib.parse.urlsplit("http://a:1/b?c=d#e"),
    "url parsed": lambda: urllib.parse.urlparse("http://a/b;p?c"),
    "url request": lambda: urllib.request.Request("http://a/", b"data", {"H": "v"}),
    "url opener": lambda: urllib.request.build_opener(),
    "robots": _robots,
    "headers": _headers,
    "mime types": _mime,
    "xmlrpc": lambda: [
        xmlrpc.client.DateTime("20240101T00:00:00"),
        xmlrpc.client.Binary(b"a"),
        xmlrpc.client.Fault(1, "x"),
    ],
    "xmlrpc proxy": lambda: xmlrpc.client.ServerProxy("http://localhost/"),
    "logger": _logger,
    "logger root": logging.getLogger,
    "logger apart": lambda: logging.Logger("apart", 20),
    "logger adapter": lambda: logging.LoggerAdapter(_logger(), {"a": 1}),
    "log record": _record,
    "log formatter": lambda: logging.Formatter("%(message)s", "%H"),
    "log formatter subclass": lambda: filled(Formatter("%(name)s"), note=[1]),
    "log filter": lambda: logging.Filter("a"),
    "log handler": lambda: Handler(5),
    "log stream handler": lambda: logging.StreamHandler(),
    "log null handler": lambda: logging.NullHandler(),
    "log memory handler": lambda: logging.handlers.MemoryHandler(5),
    "log buffering formatter": lambda: logging.BufferingFormatter(),
    "compressor": lambda: [zlib.compressobj],
    "decompressor": lambda: zlib.decompressobj(),
    "bz2": lambda: bz2.BZ2Compressor(),
    "lzma": lambda: lzma.LZMADecompressor(),
    "zip info": _zipinfo,
    "zip file": lambda: zipfile.ZipFile(io.BytesIO(), "w"),
    "sqlite": lambda: sqlite3.connect(":memory:"),
    "sqlite row": lambda: sqlite3.Row,
    "ast": lambda: ast.parse("a = [1, f(x)]\ndef g(): return 2"),
    "ast expression": lambda: ast.parse("1 + 2", mode="eval").body,
    "signature": lambda: inspect.signature(lambda a, *, b=1: None),
    "signature by name": lambda: inspect.signature(copy.copy),
    "parameter": lambda: inspect.Parameter("a", inspect.Parameter.KEYWORD_ONLY, default=3),
    "parameter empty": lambda: [inspect.Parameter.empty, inspect.Signature.empty],
    "full argspec": lambda: inspect.getfullargspec(copy.copy),
    "traceback": _traceback,
    "frame summary": _stack,
    "token": lambda: tokenize.TokenInfo(1, "a", (1, 0), (1, 1), "a"),
    "difference": lambda: difflib.SequenceMatcher(None, "abc", "abd"),
    "difflib match": lambda: difflib.Match(1, 2, 3),
    "pretty printer": lambda: pprint.PrettyPrinter(indent=3),
    "repr": lambda: reprlib.Repr(),
    "shlex": lambda: shlex.shlex("a b"),
    "scheduler": lambda: sched.scheduler(),
    "scheduler event": lambda: sched.Event(1, 2, 3, print, (), {}),
    "timer": lambda: timeit.Timer("1"),
    "gettext": lambda: gettext.NullTranslations(),
    "file input": lambda: fileinput.FileInput("nothing"),
    "warning message": lambda: warnings.WarningMessage("m", UserWarning, "f", 1),
    "mailbox message": lambda: mailbox.mboxMessage(_old_message()),
    "locale": lambda: locale.localeconv,
    "fnmatch": lambda: fnmatch.translate("*.py"),
    "linecache": lambda: linecache.getline,
    "counter of texts": lambda: collections.Counter("abc".split("b")),
    "dynamic attribute": lambda: types.DynamicClassAttribute(len),
}


def _parse(parser):
    found = parser.parse_args(["-n", "5"])
    return sorted(vars(found).items())


CHECKS = {
    "re": lambda p: p.search("ab")["n"],
    "re method": lambda m: m("aab"),
    "stringio": lambda s: (s.tell(), s.read()),
    "stringio subclass": lambda s: (s.read(), s.note),
    "bytesio": lambda s: (s.tell(), s.read()),
    "bytesio with attribute": lambda s: (s.read(), s.name),
    "template": lambda t: t.substitute(a=1, b=2),
    "template subclass": lambda t: t.substitute(a=1),
    "struct": lambda s: (s.format, s.pack(1, 2)),
    "struct method": lambda m: m(5),
    "email": lambda m: m.as_string().replace(m.get_boundary() or "-", "B"),
    "email old": lambda m: m.as_string(),
    "email header": lambda h: (str(h), h.name),
    "element": lambda e: ET.tostring(e),
    "element tree": lambda e: ET.tostring(e.getroot()),
    "minidom": lambda d: d.toxml(),
    "json encoder": lambda e: e.encode({"a": [1]}),
    "json decoder": lambda d: d.decode("[1]"),
    "argparse": _parse,
    "argparse suppress": lambda x: x[0] == x[1]["default"] == argparse.SUPPRESS,
    "argparse action": lambda a: (a.dest, a.default is argparse.SUPPRESS),
    "optparse": lambda p: sorted(vars(p.parse_args(["-n", "5"])[0]).items()),
    "configparser": lambda c: (c["a"]["y"], c.sections()),
    "configparser section": lambda s: s["y"],
    "http cookies": lambda c: c.output(),
    "url": lambda u: (u.port, u.geturl()),
    "url request": lambda r: (r.full_url, r.data, r.headers),
    "robots": lambda r: (r.can_fetch("a", "http://h/x"), r.can_fetch("a", "http://h/y")),
    "headers": str,
    "mime types": lambda m: m.guess_type("a.zzz"),
    "logger": lambda x: x is logging.getLogger("trials.texts"),
    "logger root": lambda x: x is logging.getLogger(),
    "logger apart": lambda x: x.name,  # the one of its name takes its place
    "logger adapter": lambda a: (a.logger is logging.getLogger("trials.texts"), a.extra),
    "log record": lambda r: r.getMessage(),
    "log formatter": lambda f: f.format(_record()),
    "log null handler": lambda h: h.level,
    "ast": ast.dump,
    "signature": str,
    "signature by name": str,
    "parameter": str,
    "parameter empty": lambda x: [x[0] is inspect.Parameter.empty, x[1] is inspect.Signature.empty],
    "traceback": lambda t: list(t.format_exception_only()),
    "frame summary": lambda s: s.format(),
    "difference": lambda s: s.ratio(),
    "html parser": lambda p: p.feed("<a>"),
    "codec functions": lambda f: f[0]("a"),
    "gettext": lambda g: g.gettext("a"),
    "shlex": lambda s: s.get_token(),
    "textwrapper": lambda w: w.fill("a b"),
    "csv dictreader": list,
    "timer": lambda t: t.repeat(1, 1) and None,
    "codec incremental": lambda d: d.decode(b"\xc3"),
}
OPAQUE = {
    *(
        "email",
        "email old",
        "minidom",
        "traceback",
        "logger apart",
        "log record",
        "argparse",
        "frame summary",
        "re scanner",
    ),
    *(
        "mailbox message",
        "url opener",
        "robots",
        "http message",
        "ast",
        "log null handler",
        "configparser",
        "argparse action",
    ),
    *(
        "struct method",
        "re method",
        "email header",
        "optparse",
        "configparser section",
        "element",
        "element tree",
        "timer",
    ),
    *("csv dictreader", "logger adapter", "log handler", "dynamic attribute", "logger", "logger root", "html parser"),
}
