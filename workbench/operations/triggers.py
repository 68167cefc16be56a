"""What starts runs beside a clock or files: messages, calls and drift, checked before anything is kept."""

from __future__ import annotations

import socket
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ..bundle.storage import writing
from ..data import places
from ..errors import NotFound, UsageError

if TYPE_CHECKING:
    from .running import Running

MESSAGE = "message"
"""The parameter of a notebook that is the message, or what a webhook was called with."""
_LOCAL = "127.0.0.1"
_PATIENCE, _LOOK = 10.0, 0.05
_GROUP_PATIENCE = 30.0  # Kafka gives a group its partitions after five seconds where nothing else is done


def message(place: str) -> dict[str, Any]:
    """As a schedule keeps it that waits for messages. UsageError for what is no queue, topic or stream."""
    from ..brokers.opening import check

    if "://" not in place and not place.startswith("queue:"):
        raise UsageError(f"{place}: messages come from a queue", fix="queue:NAME; files are for --on-file")
    at = places.parse(place)
    if not at.queued:
        raise UsageError(
            f"{at.label}: messages come from a queue", fix="queue:NAME, redis://…, kafka://…, nats://…, amqp://…"
        )
    if at.kind == "cloudevents":
        raise UsageError(f"{at.label}: a schedule is called at an address of its own", fix="--on-webhook")
    check(place)
    return {"message": places.absolute(place), "group": at.options.get("group", "")}


def webhook(port: int | bool, host: str | None) -> dict[str, Any]:
    """As a schedule keeps it that waits to be called, without the port where none was asked for."""
    return {"webhook": f"http://{host or _LOCAL}:{0 if port is True else int(port)}"}


def known(starts: dict[str, Any], running: Running, own: str) -> dict[str, Any]:
    """What is kept by the schedule `own`: with the name of its group, its address, or of the thing whose drift is
    watched."""
    if "message" in starts:
        return starts | {"group": starts["group"] or own.replace("/", "-")}
    if "webhook" in starts:
        return {"webhook": _address(starts["webhook"], running, own)}
    return {"drift": _watched(running, starts["drift"])}


def _address(asked: str, running: Running, own: str) -> str:
    """The URL of the schedule: at the port that was asked for, else at that of before, of others, or a free one."""
    url = urlsplit(asked)
    port = url.port or _port_before(running, str(url.hostname), own) or _free(str(url.hostname))
    return f"http://{url.hostname}:{port}/{quote(own.partition('/')[2])}"


def _port_before(running: Running, host: str, own: str) -> int | None:
    urls = {one.name: urlsplit((one.starts or {}).get("webhook", "")) for one in running.schedules()}
    ports = {name: url.port for name, url in urls.items() if url.hostname == host}
    return ports.get(own) or next(iter(ports.values()), None)


def _free(host: str) -> int:
    try:
        with socket.create_server((host, 0)) as bound:
            return int(bound.getsockname()[1])
    except OSError as error:
        raise UsageError(
            f"nothing can listen at {host}: {error.strerror}", fix="name an address of this machine"
        ) from error


def _watched(running: Running, name: str) -> str:
    """The full name of what is looked at for drift. NotFound where nothing looks."""
    looks = [one.spec["name"] for one in running.schedules() if one.spec.get("what") == "call" and "name" in one.spec]
    if found := next((look for look in looks if name in (look, look.partition("/")[2])), None):
        return str(found)
    raise NotFound(f"nobody looks for drift of {name}", fix=f"%workbench drift {name} --every '1 hour' first")


def begin(starts: dict[str, Any], running: Running, own: str) -> None:
    """What must be there before the schedule is: its token; its group, which begins behind what lies there already."""
    from ..jobs import own_token

    if "webhook" in starts:
        with writing(running.store.folder):
            own_token.make(running.store.job_folder(own))
    before = next((one.starts for one in running.schedules() if one.name == own), None)
    if "message" in starts and before != starts:
        _begin_group(starts["message"], starts["group"])


def listening(starts: dict[str, Any]) -> None:
    """Wait until the supervisor listens where the schedule is called, or for a while."""
    url, end = urlsplit(starts.get("webhook", "")), time.monotonic() + _PATIENCE
    while url.port and time.monotonic() < end:
        with suppress(OSError), socket.create_connection((url.hostname, url.port), _LOOK):
            return
        time.sleep(_LOOK)


def _begin_group(place: str, group: str) -> None:
    from ..brokers.opening import reader

    messages, end = reader(place, group, "end"), time.monotonic() + _GROUP_PATIENCE
    try:
        if messages.acquire(lambda: time.monotonic() > end):
            messages.rewind(messages.find("end"))
    except UsageError:  # what a broker keeps only until it is done is all still to be done
        pass
    finally:
        messages.close()


def end(starts: dict[str, Any]) -> None:
    """What nobody needs when the schedule is gone: its group, for which the embedded log would keep what comes."""
    if starts.get("message", "").startswith("queue:"):
        with closing(places.log(starts["message"])) as log:
            log.forget(starts["group"])


def unread(spec: dict[str, Any], starts: dict[str, Any]) -> str:
    """What to say of a notebook that does not take what it is called with."""
    from ..patterns.batch.parameters import read

    if "notebook" not in spec or starts.keys().isdisjoint(("message", "webhook")):
        return ""
    given = read(Path(spec["notebook"])) or {}
    return "" if MESSAGE in given else f"the notebook has no parameter `{MESSAGE}`, and is not told what comes"
