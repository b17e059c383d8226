"""`make run`: the site on your own machine."""

import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local import feedback
from local.cloud import Cost
from local.gateway import Gateway
from local.site import PATH, ROOT, Site
from local.template import BrokenTemplate

WATCHED = ("functions", "layers/foyer")


def main() -> int:
    sys.path[0:0] = PATH
    port = _port()
    if isinstance(port, str):
        return _fail(port)
    try:
        site = Site(f"http://localhost:{port}")
        return _serve(site, port)
    except (BrokenTemplate, BotoCoreError, ClientError) as error:
        what = str(error).replace("\n", " ")
        return _fail(what if isinstance(error, BrokenTemplate) else f"template.yaml: {what}")
    except ValueError as error:
        if type(error).__name__ != "BrokenPolicy":
            raise
        return _fail(str(error))


def _port() -> int | str:
    text = os.environ.get("PORT", "8000")
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        return f"PORT is {text!r}; it must be a number from 1 to 65535."
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except PermissionError:
            return f"Port {text} is for root alone. Choose one above 1023: make run PORT=8000"
        except OSError:
            return f"Port {text} is taken. Choose another: make run PORT={int(text) % 65535 + 1}"
    return int(text)


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


def _serve(site: Site, port: int) -> int:
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    stop, watching = threading.Event(), threading.Event()
    with site:
        site.module("local.seed").plant(site.now())
        site.module("local.seed").invite(site.now())
        gateway = Gateway(site, _log)
        server = make_server("127.0.0.1", port, gateway, threaded=True)
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, lambda *_: stop.set())
        threads = [
            threading.Thread(target=server.serve_forever, daemon=True),
            threading.Thread(target=_background, args=(site, gateway, stop), daemon=True),
            threading.Thread(target=_watch, args=(site, stop, watching), daemon=True),
        ]
        for thread in threads:
            thread.start()
        watching.wait(timeout=5)  # before we say so
        print(
            f"Foyer is open at {site.url}\n"
            f"  its mails arrive at {site.url}/_dev/mail\n"
            "  saving a handler, page or rule reloads it, your data stays; Ctrl-C ends it all",
            flush=True,
        )
        stop.wait()
        print("\nClosed.", flush=True)
        server.shutdown()
        for thread in threads:
            thread.join(timeout=5)
    return 0


def _log(method: str, path: str, status: int, took: float, cost: Cost, request_id: str) -> None:
    print(
        f"{status} {method:<6} {path:<32} {took * 1000:5.0f} ms  {cost.calls} calls  "
        f"{cost.reads:g} read  {cost.writes:g} written  {request_id}",
        flush=True,
    )


def _background(site: Site, gateway: Gateway, stop: threading.Event) -> None:
    """The stream and the schedules, as they would run beside the requests."""
    while not stop.is_set():
        gateway.work.wait(timeout=1)
        gateway.work.clear()
        try:
            if site.drain():
                feedback.deliver(site)
            site.run_due_schedules()
        except Exception as error:
            print(f"the background stumbled: {error!r}", file=sys.stderr, flush=True)


def _watch(site: Site, stop: threading.Event, watching: threading.Event) -> None:
    from watchfiles import watch

    folders = [ROOT / name for name in WATCHED]
    template = ROOT / "template.yaml"
    seen = _stamp(template)
    for changes in watch(
        *folders, stop_event=stop, raise_interrupt=False, yield_on_timeout=True, rust_timeout=200
    ):
        watching.set()
        names = {str(Path(name).relative_to(ROOT)) for _, name in changes if Path(name).exists()}
        names = {name for name in names if "__pycache__" not in name}
        # The template by its stamp: an editor that saves by renaming would take a watch along.
        if (stamp := _stamp(template)) != seen:
            seen = stamp
            names.add(template.name)
        if names:
            _reload(site, sorted(names))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_ino)


def _reload(site: Site, names: list[str]) -> None:
    print(f"reloading: {', '.join(names)}", flush=True)
    try:
        site.reload()
    except BrokenTemplate as error:
        print(f"{error}\nThe site goes on as it was.", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
