"""Records of a queue -> micro-batches -> predictions -> a sink, each record once."""
