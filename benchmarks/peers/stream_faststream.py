"""FastStream, in batches where the broker has them."""

from __future__ import annotations

import asyncio
from typing import Any

from peers.streaming import MOST, Answers, main


async def _run(broker: Any) -> None:
    async with broker:
        await broker.start()
        await asyncio.Event().wait()


def redis(address: str, topic: str, answers: Answers) -> None:
    from faststream.redis import RedisBroker, StreamSub
    from redis import Redis

    Redis.from_url(f"redis://{address}/0").xgroup_create(topic, "faststream", "0")  # its own begins at the end
    broker = RedisBroker(f"redis://{address}/0", logger=None)
    stream = StreamSub(topic, group="faststream", consumer="one", last_id=">", batch=True, max_records=MOST)

    async def values_of(message: Any) -> list[bytes]:
        return [fields[b"value"] for fields in message.raw_message["data"]]

    @broker.subscriber(stream=stream, decoder=values_of)
    async def answer(values: Any) -> None:
        answers(values)

    asyncio.run(_run(broker))


def kafka(address: str, topic: str, answers: Answers) -> None:
    from faststream.confluent import KafkaBroker

    broker = KafkaBroker(address, logger=None)

    @broker.subscriber(topic, group_id="faststream", batch=True, max_records=MOST, auto_offset_reset="earliest")
    async def answer(values: list[Any]) -> None:
        import orjson

        answers([orjson.dumps(value) for value in values])

    asyncio.run(_run(broker))


if __name__ == "__main__":
    main({"redis": redis, "kafka": kafka})
