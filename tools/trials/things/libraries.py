"""Other libraries: Pillow, lxml, SQLAlchemy, sortedcontainers, zope.interface, dateutil, click, cryptography, msgpack."""

import io

import click
import dateutil.relativedelta
import dateutil.rrule
import dateutil.tz
import lxml.etree
import msgpack
import PIL.Image
import PIL.ImageFont
import sortedcontainers
import sqlalchemy as sa
import sqlalchemy.orm
import zope.interface
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from trials.things import filled


class Base(sqlalchemy.orm.DeclarativeBase):
    """The base of tables."""


class Person(Base):
    """A table."""

    __tablename__ = "person"
    id: sqlalchemy.orm.Mapped[int] = sqlalchemy.orm.mapped_column(primary_key=True)
    name: sqlalchemy.orm.Mapped[str]
    pets: sqlalchemy.orm.Mapped[list["Pet"]] = sqlalchemy.orm.relationship(back_populates="owner")


class Pet(Base):
    """Another table."""

    __tablename__ = "pet"
    id: sqlalchemy.orm.Mapped[int] = sqlalchemy.orm.mapped_column(primary_key=True)
    owner_id: sqlalchemy.orm.Mapped[int] = sqlalchemy.orm.mapped_column(sa.ForeignKey("person.id"))
    owner: sqlalchemy.orm.Mapped[Person] = sqlalchemy.orm.relationship(back_populates="pets")


class IThing(zope.interface.Interface):
    """An interface."""

    def run():
        """Run."""


@zope.interface.implementer(IThing)
class Thing:
    """Has it."""

    def run(self):
        return 1


@click.command()
@click.option("--n", default=1)
def command(n):
    """A command."""
    return n


def _person():
    return Person(id=1, name="a", pets=[Pet(id=2), Pet(id=3)])


def _provided():
    it = Thing()
    zope.interface.directlyProvides(it, IThing)
    return it


def _image():
    return PIL.Image.new("RGB", (3, 2), (1, 2, 3))


def job():
    """Do it."""


S = sortedcontainers
THINGS = {
    "image": _image,
    "image palette": lambda: _image().convert("P"),
    "image font": PIL.ImageFont.load_default,
    "lxml element": lambda: lxml.etree.fromstring("<a x='1'><b/></a>"),
    "lxml tree": lambda: lxml.etree.ElementTree(lxml.etree.fromstring("<a/>")),
    "lxml parser": lxml.etree.XMLParser,
    "sqlalchemy object": _person,
    "sqlalchemy engine": lambda: sa.create_engine("sqlite://"),
    "sqlalchemy table": lambda: Person.__table__,
    "sqlalchemy metadata": lambda: sa.MetaData(),
    "sqlalchemy select": lambda: sa.select(Person).where(Person.id == 3),
    "sqlalchemy url": lambda: sa.make_url("sqlite://"),
    "sqlalchemy class": lambda: Person,
    "sorted list": lambda: S.SortedList([3, 1, 2]),
    "sorted key list": lambda: S.SortedKeyList([3, 1], key=str),
    "sorted dict": lambda: S.SortedDict(b=1, a=2),
    "sorted set": lambda: S.SortedSet([3, 1]),
    "zope interface": lambda: IThing,
    "zope object": _provided,
    "zope implements": lambda: zope.interface.implementedBy(Thing),
    "zope method": lambda: IThing["run"],
    "relativedelta": lambda: dateutil.relativedelta.relativedelta(months=1, weekday=dateutil.relativedelta.MO(2)),
    "rrule": lambda: dateutil.rrule.rrule(dateutil.rrule.DAILY, count=3),
    "dateutil zone": lambda: dateutil.tz.gettz("Europe/Vienna"),
    "dateutil utc": dateutil.tz.tzutc,
    "click command": lambda: command,
    "click path": lambda: click.Path(exists=True),
    "click error": lambda: click.BadParameter("m", param_hint="p"),
    "msgpack timestamp": lambda: msgpack.Timestamp(5, 6),
    "msgpack ext": lambda: msgpack.ExtType(5, b"a"),
    "msgpack packer": msgpack.Packer,
    "cron trigger": lambda: CronTrigger(hour=5, timezone="UTC"),
    "interval trigger": lambda: IntervalTrigger(minutes=5, timezone="UTC", start_date="2024-01-01"),
    "scheduler": BackgroundScheduler,
    "stream of an image": lambda: io.BytesIO(_image().tobytes()),
    "filled thing": lambda: filled(Thing(), a=1),
}
CHECKS = {
    "image": lambda i: (i.mode, i.size, i.tobytes()),
    "image palette": lambda i: (i.mode, i.tobytes(), i.getpalette()),
    "lxml element": lxml.etree.tostring,
    "sqlalchemy object": lambda p: (p.name, [x.id for x in p.pets], p.pets[0].owner is p, sa.inspect(p).transient),
    "sqlalchemy select": str,
    "sqlalchemy table": lambda t: [c.name for c in t.columns],
    "sorted list": lambda s: (s.add(0), list(s)),
    "sorted key list": lambda s: (s.add(2), list(s)),
    "sorted dict": lambda s: (s.setdefault("0", 1), list(s)),
    "sorted set": lambda s: (s.add(0), list(s)),
    "zope object": lambda t: (IThing.providedBy(t), t.run()),
    "zope implements": lambda s: s is zope.interface.implementedBy(Thing),
    "rrule": lambda r: len(list(r)),
    "dateutil zone": lambda z: z.utcoffset(__import__("datetime").datetime(2024, 7, 1)),
    "click command": lambda c: c.name,
    "relativedelta": repr,
    "cron trigger": str,
    "interval trigger": lambda t: t.interval,
    "sqlalchemy metadata": lambda m: list(m.tables),
    "click error": lambda e: (e.message, e.param_hint),
}
OPAQUE = {"image", "image palette", "sqlalchemy object", "sqlalchemy select", "sqlalchemy table", "lxml element"}
OPAQUE |= {
    "dateutil zone",
    "rrule",
    "sqlalchemy metadata",
    "zope object",
    "click command",
    "interval trigger",
    "cron trigger",
}
OPAQUE |= {"sorted list", "sorted key list", "sorted dict", "sorted set", "relativedelta", "zope method"}
