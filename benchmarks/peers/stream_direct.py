"""A loop by hand over each broker's own client: what is there is taken, answered, written and acknowledged."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from peers.streaming import MOST, Answers, main


def redis(address: str, topic: str, answers: Answers) -> None:
    from redis import Redis

    client = Redis.from_url(f"redis://{address}/0", protocol=2)
    client.xgroup_create(topic, "direct", "0", mkstream=True)
    while True:
        found = client.xreadgroup("direct", "one", {topic: ">"}, count=MOST, block=1000)
        for _, entries in found:
            answers([fields[b"value"] for _, fields in entries])
            client.xack(topic, "direct", *[id for id, _ in entries])


def nats(address: str, topic: str, answers: Answers) -> None:
    asyncio.run(_nats(address, topic, answers))


async def _nats(address: str, topic: str, answers: Answers) -> None:
    from nats import connect
    from nats.js.api import AckPolicy, ConsumerConfig

    client = await connect(f"nats://{address}")
    jetstream = client.jetstream()
    config = ConsumerConfig(ack_policy=AckPolicy.ALL, max_ack_pending=10 * MOST)
    pull = await jetstream.pull_subscribe(topic, "direct", config=config)
    while True:
        with suppress(TimeoutError):  # the client's own is one of these
            if found := await pull.fetch(MOST, timeout=0.2):
                answers([message.data for message in found])
                await found[-1].ack()


def rabbitmq(address: str, topic: str, answers: Answers) -> None:
    asyncio.run(_rabbitmq(address, topic, answers))


async def _rabbitmq(address: str, topic: str, answers: Answers) -> None:
    import aio_pika

    connection = await aio_pika.connect(f"amqp://guest:guest@{address}/?heartbeat=600")  # it is stopped meanwhile
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=2 * MOST)
    came: asyncio.Queue[aio_pika.abc.AbstractIncomingMessage] = asyncio.Queue()
    queue = await channel.declare_queue(topic, passive=True)
    await queue.consume(came.put)
    while True:
        found = [await came.get()]
        while len(found) < MOST and not came.empty():
            found.append(came.get_nowait())
        answers([message.body for message in found])
        await found[-1].ack(multiple=True)


def kafka(address: str, topic: str, answers: Answers) -> None:
    from confluent_kafka import Consumer

    settings = {"enable.auto.commit": False, "auto.offset.reset": "earliest", "fetch.queue.backoff.ms": 5}
    client = Consumer({"bootstrap.servers": address, "group.id": "direct", **settings})
    client.subscribe([topic])
    while True:
        if (first := client.poll(1.0)) is not None and not first.error():
            found = [first, *client.consume(MOST - 1, 0)]
            answers([message.value() for message in found])
            client.commit(asynchronous=False)


if __name__ == "__main__":
    main({"redis": redis, "nats": nats, "amqp": rabbitmq, "kafka": kafka})
