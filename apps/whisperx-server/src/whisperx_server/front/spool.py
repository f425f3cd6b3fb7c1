"""The folder for uploads and samples: one folder for each request in it, gone with the request."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

PREFIX: Final = "whisperx-server-"
LOCK: Final = "lock"


class Spool:
    """Belongs to one running server, as a lock in it shows. Folders that a killed server left are cleared away."""

    def __init__(self, parent: Path) -> None:
        """Makes the folder.

        Raises:
            OSError: the parent is not there or cannot be written to.
        """
        _clear_abandoned(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        self._lock = os.open(self.folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def new_folder(self) -> Path:
        """A folder for one request."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def close(self) -> None:
        """Removes everything."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


def remove(folder: Path) -> None:
    """Removes a request's folder with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)


def _clear_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            # Not ours, or just being made by another server.
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
