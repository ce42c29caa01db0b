"""Write the golden snapshots of the current format to `fixtures/golden/FORMAT`.

This is done once for each format, and the files are kept forever. `tests/test_golden.py` loads all of them, so every
later appsnap can read old files.
"""

from __future__ import annotations

import functools
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[1] / "fixtures"
sys.path.insert(0, str(FIXTURES))

import appsnap  # noqa: E402 - as above
import shop  # noqa: E402 - needs the fixtures on the path
from appsnap.files.age import X25519Identity  # noqa: E402 - as above
from appsnap.kinds.header import FORMAT  # noqa: E402 - as above
from shop.parcels import Parcel  # noqa: E402 - as above

PASSPHRASE = "tea and cake"


def orders() -> list[Any]:
    """Return objects of a few shapes, many of each: in msgpack they are runs."""
    prices = [shop.services.Price(Decimal(number)) for number in range(10)]
    lines: list[Any] = [{"id": number, "of": prices[number % 10], "paid": number % 3 == 0} for number in range(20)]
    pairs = [
        (number, f"a remark of more than sixty-four characters, the number of which is {number}")
        for number in range(10)
    ]
    sets = [{number, number + 1} for number in range(10)]
    return [prices, [*lines, *pairs, None], sets, {"same": [["a", 2.5, prices[0]] for _ in range(10)]}]


def parcels() -> list[Any]:
    """Return objects that are made by calls with keywords."""
    return [Parcel("tea", "cake", to="Vienna"), Parcel(to="Graz", weight=2.5)]


def main() -> None:
    """Write a file of each kind, and one in each layer."""
    os.environ["SOURCE_DATE_EPOCH"] = "1077991200"
    folder = FIXTURES / "golden" / str(FORMAT)
    if folder.exists():
        raise SystemExit(f"{folder} is there already, and golden files are never changed")
    folder.mkdir(parents=True)
    save = functools.partial(appsnap.save, sign=False)  # unsigned, so the files load like a stranger's
    application = shop.make()
    for extension in ("tap", "tas", "tam", "tax"):
        save(application, folder / f"shop.{extension}")
        save(parcels(), folder / f"parcels.{extension}")
    save(orders(), folder / "orders.tam")
    save(application, folder / "shop-passphrase.etap", passphrase=PASSPHRASE, compress=True)
    identity = X25519Identity.generate()
    (folder / "identity.txt").write_text(f"# public key: {identity.recipient}\n{identity}\n")
    recipients = [str(identity.recipient)]
    save(application, folder / "shop-armored.etas", kind="source", recipients=recipients, armor=True)
    print(*sorted(path.name for path in folder.iterdir()), sep="\n")


if __name__ == "__main__":
    main()
