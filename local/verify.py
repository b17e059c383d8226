"""`make verify-table`: reads a whole table and reports every breach of what must hold of it
(local/invariants.py): of the site that `make run` serves on this machine, with EXPORT= of an export
of DynamoDB's or of a file of JSON lines, with TABLE= of a deployed table. Nothing is written."""

import gzip
import json
import os
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from local.deployed import Problem
from local.site import PATH

sys.path[0:0] = [entry for entry in PATH if entry not in sys.path]

from local.invariants import Breach, Row, breaches, key_of, kind_of  # noqa: E402 - by that path

__all__ = ["Breach", "breaches", "main", "plain", "plain_row"]

EVERY = 10_000  # rows between two words of progress


def main() -> int:
    """0 where all holds, 1 where something does not, 2 where the table cannot be read."""
    export, table = (os.environ.get(name, "").strip() for name in ("EXPORT", "TABLE"))
    try:
        if export and table:
            raise Problem("EXPORT and TABLE are both given. Name one of them.")
        if table:
            return _report(_of_table_in_use(table))
        return _report(_checked(_of_export(Path(export)) if export else _of_this_machine()))
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 2


def _report(found: list[Breach]) -> int:
    for breach in found:
        print(breach)
    print(f"{_number_of(found)}." if found else "Nothing is wrong.")
    return 1 if found else 0


def _number_of(found: list[Breach]) -> str:
    return "1 breach" if len(found) == 1 else f"{len(found):,} breaches"


def _checked(rows: Iterable[Row]) -> list[Breach]:
    read: list[Row] = []
    for row in rows:
        read.append(row)
        if len(read) % EVERY == 0:
            print(f"{len(read):,} rows …", flush=True)
    kinds = Counter(kind_of(key_of(row)) or "unknown" for row in read)
    summed = ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items()))
    print(f"{len(read):,} rows: {summed or 'none'}", flush=True)
    return breaches(read)


# ---- where rows come from ------------------------------------------------------------------------


def _of_this_machine() -> Iterator[Row]:
    url = f"http://localhost:{os.environ.get('PORT', '8000')}"
    print(f"Reading the site at {url} …", flush=True)
    try:
        with urllib.request.urlopen(f"{url}/_dev/table.json", timeout=60) as answer:  # noqa: S310
            rows = json.load(answer)
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise Problem(
            f"No site answers at {url} ({error}). Start it with `make run` (PORT= if it is another "
            "one), or name what to read: EXPORT=a folder or file, TABLE=the name of a table."
        ) from error
    yield from map(plain_row, rows)


def _of_table_in_use(name: str) -> list[Breach]:
    """What is written while a table is read may look like a breach: only what is there the second
    time as well is one."""
    found = _checked(_of_table(name))
    if not found:
        return found
    print(f"{_number_of(found)}, perhaps of what was just being written: once more.")
    again = set(_checked(_of_table(name)))
    return [breach for breach in found if breach in again]


def _of_table(name: str) -> Iterator[Row]:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    print(f"Reading the table {name} …", flush=True)
    patience = Config(retries={"mode": "standard", "total_max_attempts": 10})
    try:
        pages = boto3.client("dynamodb", config=patience).get_paginator("scan")
        for page in pages.paginate(TableName=name, ConsistentRead=True):
            yield from map(plain_row, page["Items"])
    except (BotoCoreError, ClientError) as error:
        raise Problem(
            f"The table {name} cannot be read: {str(error).rstrip('.')}. Check its name, "
            "AWS_DEFAULT_REGION and your credentials, which need dynamodb:Scan on it."
        ) from error


def _of_export(place: Path) -> Iterator[Row]:
    if not place.exists():
        raise Problem(f"There is no {place}. Name the folder of an export, or a file of its lines.")
    files = [place] if place.is_file() else _data_of(place)
    number = 0
    for file in files:
        print(f"Reading {file} …", flush=True)
        for number_in_file, line in _lines(file):
            number += 1
            yield _row_of(line, file, number_in_file)
    promised = None if place.is_file() else _promised(place)
    if promised not in {None, number}:
        raise Problem(
            f"{place} holds {number:,} rows and its manifest says {promised:,}: it is not whole. "
            "Fetch all of the export's files."
        )


def _data_of(folder: Path) -> list[Path]:
    if any(folder.rglob("*.ion.gz")):
        raise Problem(f"{folder} is in Ion. Export the table as DynamoDB JSON.")
    names = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
    found = [
        file
        for file in sorted(folder.rglob("*"))
        if file.name.endswith(names) and not file.name.startswith("manifest-")
    ]
    if not found:
        raise Problem(f"{folder} holds no .json or .json.gz. Name the folder of an export.")
    return found


def _promised(folder: Path) -> int | None:
    """How many rows the export's own summary tells of, where it is there."""
    summaries = sorted(folder.rglob("manifest-summary.json"))
    if len(summaries) > 1:
        raise Problem(f"{folder} holds {len(summaries)} exports. Name the folder of one.")
    if not summaries:
        print("There is no manifest-summary.json: whether all of the export is here is not known.")
        return None
    try:
        return int(json.loads(summaries[0].read_text(encoding="utf-8"))["itemCount"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"{summaries[0]} cannot be read: {error!r}. Fetch it again.") from error


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    try:
        with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
            yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    except (OSError, EOFError, ValueError) as error:
        raise Problem(f"{file} cannot be read: {error}. Fetch it again.") from error


def _row_of(line: str, file: Path, number: int) -> Row:
    try:
        said = json.loads(line)
        if "NewImage" in said or "OldImage" in said:
            raise Problem(f"{file} is of an incremental export. Make a full one.")
        return plain_row(said["Item"])
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        # not what the line says: it is somebody's
        raise Problem(
            f'{file}, line {number}, is no {{"Item": …}} in DynamoDB\'s notation '
            f"({type(error).__name__}). Export the table as DynamoDB JSON."
        ) from error


# ---- DynamoDB's notation -------------------------------------------------------------------------


def plain_row(raw: Any) -> Row:
    row = {name: plain(value) for name, value in raw.items()}
    key_of(row)  # which every row of a table of ours has
    return row


def plain(value: Any) -> Any:
    """A value in DynamoDB's notation, as Python has it."""
    ((kind, inner),) = value.items()
    if kind == "M":
        return {name: plain(part) for name, part in inner.items()}
    if kind == "L":
        return [plain(part) for part in inner]
    if kind == "N":
        return _number(inner)
    if kind == "NS":
        return {_number(one) for one in inner}
    if kind == "NULL":
        return None
    return set(inner) if kind in {"SS", "BS"} else inner


def _number(text: str) -> int | Decimal:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else number


if __name__ == "__main__":
    sys.exit(main())
