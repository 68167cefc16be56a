"""The verbs of the four patterns."""

from __future__ import annotations

from .spec import BANDIT, DRY_RUN, ENV, MODEL, SPLIT, Option, Verb, argument, as_json, option, switch

_PREDICT = (
    MODEL,
    argument(
        "input",
        "place",
        "a frame of the notebook, a file, a URL, a SQL table or query",
        "INPUT",
        "--input",
        "--source",
        required=True,
    ),
    Option(
        "output",
        "sink",
        "where the predictions go; without it they come back as a frame",
        ("-o", "--output", "--sink"),
        "OUTPUT",
    ),
    Option("email", "text", "mail the predictions as a file", ("--email",), "ADDRESS"),
    ENV,
)

_NAME = option("name", "name", "its own name; without it the model's or the notebook's", "NAME")
_NOTIFY = option("notify", "text", "where to tell that it failed: a mail address, a URL, `module:function`", "WHERE")
_ENV_FILE = option("env_file", "text", "a file of NAME=VALUE lines: the variables that it gets", "FILE")
_ENGINE = Option(
    "engine",
    "text",
    "where it runs: this machine, or a cluster of Ray (RAY_ADDRESS) or of Spark (SPARK_REMOTE, SPARK_MASTER); where "
    "these name none, one is started for it",
    ("--engine",),
    "local|ray|spark",
    choices=("local", "ray", "spark"),
)
_FAST = switch("fast", "let known estimators answer by a quicker computation, where it is proven equal")
_LASTING = (
    _NAME,
    option("workers", "number", "how many processes answer (1)", "N", least=1, most=256),
    _ENV_FILE,
    _NOTIFY,
    DRY_RUN,
)
_ROWS = argument(
    "input", "place", "a frame of the notebook, a file, a URL, a SQL table or query", "INPUT", required=True
)
_URL = argument(
    "url", "text", "the queue: `queue:NAME`, or a place of Redis, NATS, Kafka or RabbitMQ", "URL", required=True
)

_BATCH = (
    argument("target", "target", "a model, or a notebook to run", "MODEL|NOTEBOOK", required=True),
    argument("input", "sink", "for a model: files, a folder, a URL, a table", "INPUT", "--input", "--source"),
    Option(
        "output",
        "sink",
        "a folder, a file or a table; for a notebook, the executed one, or a page of it (.html)",
        ("-o", "--output", "--sink"),
        "OUTPUT",
    ),
    Option(
        "parameters",
        "pair",
        "a parameter of the notebook, as its cell tagged `parameters` has it",
        ("-p", "--parameter"),
        "NAME=VALUE",
    ),
    option("every", "text", "run it on a cycle: a cron line, or `monday 6:00`", "CRON"),
    option("zone", "text", "the time zone of the cycle; without it this machine's", "ZONE"),
    Option(
        "catch_up",
        "text",
        "which of the runs come that were missed while nothing looked after them (latest)",
        ("--catch-up",),
        "skip|latest|all",
        choices=("skip", "latest", "all"),
    ),
    Option(
        "overlap",
        "text",
        "when a run is due while the one before runs: leave it out, let it wait, or stop that one (skip)",
        ("--overlap",),
        "skip|queue|replace",
        choices=("skip", "queue", "replace"),
    ),
    option(
        "on_file",
        "text",
        "run it for each file that arrives there: a model scores it, a notebook gets it as its parameter `file`",
        "GLOB",
    ),
    option("settle", "number", "seconds for which a file must not have changed, to have arrived (2)", "SECONDS"),
    option("after", "thing", "run it when a run of this schedule, or this run, is done", "SCHEDULE"),
    option(
        "on_message",
        "sink",
        "run it for each message of a queue, topic or stream; a notebook gets it as its parameter `message`",
        "QUEUE",
    ),
    option(
        "on_webhook",
        "number",
        "run it when its address is called with its token; without a port at a free one, kept from then on",
        "PORT",
        least=1,
        most=65_535,
        bare=True,
    ),
    option("host", "text", "where a webhook listens (127.0.0.1: for this machine only)", "ADDRESS"),
    option("keep_runs", "text", "how many of its runs stay, or for how long: `50`, `30d` (1000)", "N|TIME"),
    option("on_drift", "thing", "run it when `drift --every` finds that the drift of this begins", "NAME"),
    switch("wait", "wait for its end; a failure is then an error"),
    option("max_rejects", "number", "fail once more rows than that are refused", "N", least=0),
    Option(
        "mode",
        "text",
        "what becomes of an output that is there (`fail`; on a cycle `replace`, with --new `append`)",
        ("--mode",),
        "fail|append|replace",
        choices=("fail", "append", "replace"),
    ),
    option("key", "text", "for a table: a row takes the place of the one with the same values in these", "COLUMNS"),
    option("partition", "text", "for a folder: make folders of the values of these, `month=7/`", "COLUMNS"),
    option(
        "keep",
        "text",
        "the columns of the input that the output holds, or `none` (all); only these are read",
        "COLUMNS",
    ),
    switch("new", "score only what no run into this output has scored: new files, or new rows by --watermark"),
    option("watermark", "text", "a column that grows, by which rows are known to be new", "COLUMN"),
    option("since", "text", "leave out what is older: a value of --watermark, or the time of a file", "VALUE"),
    switch("backfill", "let a version that has scored nothing yet score all again, in the place of what is there"),
    option("workers", "number", "for a model: how many processes score (1)", "N", least=1, most=256),
    _ENGINE,
    ENV,
    option("timeout", "number", "seconds that a cell of the notebook, or a chunk of the store, may take", "SECONDS"),
    option(
        "retries", "number", "try again so often: a chunk or a notebook that failed, or took too long (0)", "N", least=0
    ),
    Option(
        "sweep",
        "pair",
        "run the notebook at each of these values of a parameter: `3,5,8`, `3..8`, `0.1..1:0.1`; of several, all "
        "combinations",
        ("--sweep",),
        "NAME=VALUES",
    ),
    option("points", "place", "run it at each row of a file or frame, whose columns are parameters", "FILE"),
    option("samples", "number", "of a sweep, so many points at random; ranges may be `1e-4..1:log`", "N", least=1),
    option("at_once", "number", "so many of them at a time (as many as there are cores, at most 4)", "N", least=1),
    option("best", "text", "the result that says which is best: `auc`, or `loss:min` for the lowest", "RESULT"),
    option("limit", "number", "seconds that the whole run of the notebook may take", "SECONDS"),
    option(
        "hold",
        "number",
        "seconds for which a run that failed keeps its kernel, for resume to go on in it (600; on a cycle 0)",
        "SECONDS",
        least=0,
    ),
    option("kernel", "name", "an installed kernel of Python to run the notebook in (one of this interpreter)", "NAME"),
    option("folder", "text", "the folder in which the notebook runs (its own)", "FOLDER"),
    switch("no_code", "a page for readers: text and outputs alone"),
    _NAME,
    _ENV_FILE,
    _NOTIFY,
    option("notify_on", "text", "of what to tell there: `failed` (as it is), `done`, `late`, with commas", "WHAT"),
    option("late", "text", "tell there, too, when it is not over so long after it was due: `30m`", "TIME"),
    DRY_RUN,
)

_SERVE = (
    MODEL,
    option("port", "number", "the port; without it a free one, kept from then on", "PORT", least=0, most=65_535),
    option(
        "grpc",
        "number",
        "answer over gRPC too; without a port at a free one, kept from then on",
        "PORT",
        least=1,
        most=65_535,
        bare=True,
    ),
    option("host", "text", "the address (127.0.0.1: this machine only)", "ADDRESS"),
    switch("no_token", "answer whoever asks"),
    switch("open_metrics", "show figures and health to whoever asks, without a token"),
    option(
        "asynchronous",
        "sink",
        "who sends `Prefer: respond-async` gets 202 at once, and the rows go on this queue, for a stream to score",
        "QUEUE",
        "--async",
    ),
    option("tls_cert", "text", "a certificate (PEM, with its chain): answer over HTTPS", "FILE"),
    option("tls_key", "text", "its private key (PEM)", "FILE"),
    option("cors", "text", "the sites whose pages may ask it, with a comma between them; `*` is all", "ORIGIN"),
    option("max_body", "number", "the largest request, in MB (16)", "MB"),
    option("max_queue", "number", "the most requests that wait; beyond it they are refused (1024)", "N", least=1),
    option("timeout", "number", "the most seconds for one request (60)", "SECONDS"),
    switch("log_requests", "keep what was asked and answered: %workbench requests"),
    option("keep_requests", "text", "for how long (7d), and at most so much (1GB): `30d`, `500MB` or both", "7d,1GB"),
    option("hide", "text", "columns that are not kept", "COLUMNS"),
    option("hash", "text", "columns of which a digest is kept, the same for the same value", "COLUMNS"),
    _FAST,
    ENV,
    SPLIT,
    BANDIT,
    *_LASTING,
    _ENGINE,
    option("max_workers", "number", "with an engine: let them grow to so many while they are busy", "N", least=1),
)

_STREAM = (
    MODEL,
    argument(
        "input",
        "sink",
        "the queue: `queue:NAME`, or a place of Redis, NATS, Kafka or RabbitMQ; with --engine spark a folder too",
        "INPUT",
        "--input",
        "--source",
        required=True,
    ),
    Option(
        "output",
        "sink",
        "a file or folder, a table, `http://…`, a queue, topic or stream; given again, all of them",
        ("-o", "--output", "--sink"),
        "OUTPUT",
        required=True,
        many=True,
    ),
    option("group", "name", "its group of consumers; without it its own name", "GROUP"),
    option("start", "text", "where a new group begins: `start`, `end` or an offset (start)", "OFFSET"),
    option("most", "number", "the most records of one micro-batch (1000)", "N", least=1),
    option(
        "part_rows",
        "number",
        "close a part after so many rows (Parquet 50000, JSON Lines and CSV never)",
        "N",
        least=1,
    ),
    option("part_seconds", "number", "close it after so long, if that is sooner (10; likewise never)", "SECONDS"),
    option("key_as", "text", "write the key of each record, too, as a column of this name", "COLUMN"),
    option("time_as", "text", "write when each happened (its event time), too, as a column of this name", "COLUMN"),
    Option(
        "format",
        "text",
        "what a record is: an object, a line of CSV in the order of the example, bare text, a row of Arrow (json)",
        ("--format",),
        "json|csv|text|arrow",
        choices=("json", "csv", "text", "arrow"),
    ),
    option("retries", "number", "ask so often again about a record that the model failed at (0)", "N", least=0),
    option("retry_delay", "number", "seconds before it is asked about again (10)", "SECONDS"),
    option("metrics", "number", "show its figures to Prometheus at this port", "PORT", least=1, most=65_535),
    _FAST,
    ENV,
    *_LASTING,
    _ENGINE,
)

_APP = (
    argument("notebook", "target", "a notebook", "NOTEBOOK", required=True),
    option("guest", "text", "make a link that lets in whoever has it, for so long: `7d`, `12h`", "TIME"),
    option("port", "number", "the port; without it a free one, kept from then on", "PORT", least=0, most=65_535),
    option("host", "text", "the address (127.0.0.1: this machine only)", "ADDRESS"),
    switch("no_token", "let in everybody"),
    *(o for o in _LASTING if o.name != "workers"),
)

_PUT = (
    _URL,
    _ROWS,
    option("key", "name", "the column that is each record's key", "COLUMN"),
    option("rate", "number", "rows a second", "ROWS"),
)

_TAIL = (
    _URL,
    Option("most", "number", "how many records (10)", ("-n", "--most"), "N", least=1),
    as_json("the records"),
)

VERBS: tuple[Verb, ...] = (
    Verb(
        "predict",
        "predict offline: a frame, file, URL or table in; a frame, file or table out",
        _PREDICT,
        "predictions",
        short=True,
        example="%predict churn customers.csv -o scored.xlsx",
    ),
    Verb(
        "batch",
        "score files, a folder or a table, or run a notebook, in the background",
        _BATCH,
        "predictions",
        short=True,
        example="%batch churn customers/*.parquet -o scored/",
    ),
    Verb(
        "serve",
        "answer requests over HTTP, in the background",
        _SERVE,
        "predictions",
        short=True,
        example="%serve churn",
    ),
    Verb(
        "stream",
        "predict for each record of a queue, in the background",
        _STREAM,
        "predictions",
        short=True,
        example="%stream churn queue:customers -o sqlite:///risk.db?table=scores",
    ),
    Verb(
        "app",
        "show a notebook as an app that others use in a browser, in the background",
        _APP,
        "predictions",
        example="%workbench app whatif.ipynb --guest 7d",
    ),
    Verb("put", "put rows on a queue", _PUT, "predictions", example="%workbench put queue:customers customers.csv"),
    Verb(
        "tail", "see the last records of a queue", _TAIL, "predictions", example="%workbench tail queue:customers -n 5"
    ),
)
