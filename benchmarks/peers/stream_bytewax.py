"""Bytewax over Kafka: its batches, one call of the model for each."""

from __future__ import annotations

from datetime import timedelta

from peers.streaming import MOST, Answers, main


def kafka(address: str, topic: str, answers: Answers) -> None:
    import bytewax.operators as op
    from bytewax.connectors.kafka import KafkaSource
    from bytewax.dataflow import Dataflow
    from bytewax.outputs import DynamicSink, StatelessSinkPartition
    from bytewax.testing import run_main

    class File(StatelessSinkPartition):
        def write_batch(self, items: list[list[bytes]]) -> None:
            for some in items:
                answers(some)

    class Files(DynamicSink):
        def build(self, step_id: str, worker_index: int, worker_count: int) -> File:
            return File()

    flow = Dataflow("answers")
    source = op.input("read", flow, KafkaSource([address], [topic], batch_size=MOST))
    values = op.map("value", source, lambda message: message.value)
    keyed = op.key_on("key", values, lambda _: "one")
    batches = op.collect("batch", keyed, timeout=timedelta(milliseconds=50), max_size=MOST)
    op.output("write", op.map("some", batches, lambda pair: pair[1]), Files())
    run_main(flow)


if __name__ == "__main__":
    main({"kafka": kafka})
