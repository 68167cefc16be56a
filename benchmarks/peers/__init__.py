"""The same models behind other servers: each in an environment of its own, asked in its own protocol's JSON."""
