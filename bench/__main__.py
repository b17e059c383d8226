"""`make bench`: what everything costs. Progress on stderr, tables on stdout, all in bench.json."""

import json
import platform
import sys
import time
from typing import Any

from local.site import PATH, ROOT

sys.path[0:0] = PATH

from bench import artefact, cleanup, cold, month, uses, warm  # noqa: E402 - as the site's own modules do

RESULT = ROOT / "bench.json"


def main() -> int:
    began = time.monotonic()

    def tell(what: str) -> None:
        print(f"{time.monotonic() - began:5.0f} s  {what}", file=sys.stderr, flush=True)

    results: dict[str, Any] = {"machine": platform.platform()}

    def show(name: str, measured: tuple[str, dict[str, Any]]) -> None:
        text, results[name] = measured
        print(text, flush=True)

    show("uses", uses.measure(tell))
    tell("laying out what Lambda would have, without bytecode and with it")
    plain, compiled = artefact.lay_out()
    results["python"] = artefact.version(compiled)
    print(f"CPU measured by Python {results['python']} on {results['machine']}\n")
    show("cold", cold.measure(plain, compiled, tell))
    show("warm", warm.measure(compiled, tell))
    show("cleanup", cleanup.measure(tell))
    show("month", month.measure(tell))
    RESULT.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    tell(f"all of it is in {RESULT.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
