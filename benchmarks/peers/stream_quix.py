"""Quix Streams over Kafka: its batches, one call of the model for each."""

from __future__ import annotations

from peers.streaming import MOST, Answers, main


def kafka(address: str, topic: str, answers: Answers) -> None:
    from quixstreams import Application
    from quixstreams.models.topics.admin import TopicAdmin, TopicConfig
    from quixstreams.sinks import BatchingSink, SinkBatch

    class File(BatchingSink):
        def write(self, batch: SinkBatch) -> None:
            for some in batch.iter_chunks(MOST):
                answers([item.value for item in some])

    # the mock cluster does not describe its topics
    TopicAdmin.inspect_topics = lambda self, names, timeout=None: dict.fromkeys(names, TopicConfig(4, 1))
    app = Application(
        broker_address=address, consumer_group="quix", auto_offset_reset="earliest", commit_every=MOST, loglevel=None
    )
    source = app.topic(topic, value_deserializer="bytes")
    app.dataframe(source).sink(File())
    app.run()


if __name__ == "__main__":
    main({"kafka": kafka})
