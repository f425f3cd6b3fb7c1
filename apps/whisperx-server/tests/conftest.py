from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from running_server import Server, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from running_server import StartServer


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it as they found it."""
    spool = tmp_path_factory.mktemp("spool")
    settings = {"CANCEL_GRACE_S": "0.5", "MAX_AUDIO_S": "60", "MAX_UPLOAD_MB": "4"}
    with Server(spool, settings) as server:
        yield server
    assert server.process.returncode == 0, server.logged()
    assert list(spool.iterdir()) == []


@pytest.fixture
def server(shared: Server) -> Iterator[Server]:
    """The shared server, idle before and after."""
    yield shared
    eventually(lambda: shared.health()["queue"] | {"capacity": 0} == _IDLE, "the server is idle")
    eventually(lambda: shared.spooled() == [], "the spool is empty")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartServer]:
    """Starts servers of a test's own, with settings as keywords."""
    with ExitStack() as stack:

        def start_one(*, stages: str = "scripted", wait_ready: bool = True, **settings: str) -> Server:
            environment = {"CANCEL_GRACE_S": "0.5", **settings}
            return stack.enter_context(Server(tmp_path, environment, stages, wait_ready))

        yield start_one


_IDLE = {"running": 0, "waiting": 0, "receiving": 0, "capacity": 0}
