"""Records that arrive at an even rate, each with the moment at which it was put: `python -m measure.arriving PLACE RATE
SECONDS`; how many came a second in the end is printed."""

from __future__ import annotations

import sys
import time

import orjson
from models import table

from workbench.brokers import opening

_MOST = 1000


def main(place: str, rate: float, seconds: float) -> None:
    rows = [orjson.dumps(x[:-1].tolist())[:-1] for x in table("linear").round(6)]
    topic = opening.topic(place)
    began, put, wanted = time.monotonic(), 0, int(rate * seconds)
    while put < wanted:
        due = min(wanted, put + _MOST, int((time.monotonic() - began) * rate))
        if due <= put:
            time.sleep(0.001)
            continue
        now = b",%.6f]" % time.monotonic()
        topic.append([rows[n % len(rows)] + now for n in range(put, due)], [str(n) for n in range(put, due)])
        put = due
    took = time.monotonic() - began
    topic.close()
    print(put / took)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))
