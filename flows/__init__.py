"""The outside world of copydesk: files, processes, Parquet, Prefect and the command line."""

import os

# Arrow gives memory back to the system as it goes; measured on 6,078 articles, a run needs a fifth
# less than with its own pools, and no more time.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

# Prefect reads these when it is first imported. It works offline, tells nobody, and its
# temporary server may take its time on a busy machine. A value that is set already stays.
for _name, _value in {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}.items():
    os.environ.setdefault(_name, _value)
