"""`python -m whisperx_server`: reads the environment and serves."""

from __future__ import annotations

import argparse
import os
import sys

from whisperx_server.front.server import run
from whisperx_server.log import set_up_logging
from whisperx_server.settings import SettingsError, read_settings
from whisperx_server.stage_sets import STAGE_SETS


def main() -> None:
    """Serves until a signal comes; ends with 2 when a setting cannot be meant, with 1 when it cannot begin."""
    parser = argparse.ArgumentParser(prog="whisperx-server", description=__doc__)
    parser.add_argument("--host", help="instead of HOST")
    parser.add_argument("--port", help="instead of PORT; 0 takes a free one, which the log names")
    parser.add_argument("--stages", choices=sorted(STAGE_SETS), help="instead of STAGES; scripted needs no models")
    given = {name.upper(): value for name, value in vars(parser.parse_args()).items() if value is not None}
    try:
        settings = read_settings({**os.environ, **given})
    except SettingsError as error:
        sys.exit(_complain(str(error), 2))
    set_up_logging(settings.log_level)
    try:
        run(settings)
    except OSError as error:
        sys.exit(_complain(f"cannot begin: {error.strerror or error}", 1))


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"whisperx-server: {message}\n")
    return code


if __name__ == "__main__":
    main()
