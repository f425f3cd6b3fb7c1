"""The routes."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from whisperx_server import __version__
from whisperx_server.errors import Code, ServiceError
from whisperx_server.front.auth import KeyGuard
from whisperx_server.front.body_watch import BodyWatch
from whisperx_server.front.request_id import checked_request_id, new_request_id
from whisperx_server.front.responses import ErrorResponse, JobResponse, form_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from whisperx_server.front.service import Service

logger = logging.getLogger(__name__)


def create_app(service: Service) -> FastAPI:
    """The application; its life is that of the service."""

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            await service.stop()

    app = FastAPI(title="Polyscribe WhisperX server", version=__version__, lifespan=life, redoc_url=None)
    app.add_middleware(KeyGuard, api_key=service.settings.api_key)
    # The one added last is the outermost.
    app.add_middleware(BodyWatch)
    _add_error_handlers(app, service)
    _add_status_routes(app, service)
    _add_model_routes(app, service)
    _add_job_routes(app, service)
    return app


def _add_error_handlers(app: FastAPI, service: Service) -> None:
    @app.exception_handler(ServiceError)
    async def refuse(request: Request, error: ServiceError) -> Response:
        service.metrics.refused(error.code)
        return ErrorResponse(error, _id_for_answer(request))

    @app.exception_handler(HTTPException)
    async def refuse_route(request: Request, error: HTTPException) -> Response:
        request_id = _id_for_answer(request)
        body = ServiceError(Code.INVALID_REQUEST, f"{error.detail}.").body(request_id)
        return JSONResponse({"error": body}, error.status_code, {"x-request-id": request_id, **(error.headers or {})})

    @app.exception_handler(ClientDisconnect)
    async def let_go(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=499)

    @app.exception_handler(Exception)
    async def fail(request: Request, _error: Exception) -> Response:
        return ErrorResponse(
            ServiceError(Code.INTERNAL, "The server failed; its log says where."), _id_for_answer(request)
        )


def _add_status_routes(app: FastAPI, service: Service) -> None:
    @app.get("/health", summary="How the server is; 200 while it lives")
    async def health() -> dict[str, object]:
        return await service.health()

    @app.get("/ready", summary="Whether to send requests here")
    async def ready() -> Response:
        troubles = service.troubles()
        return JSONResponse({"ready": not troubles, "reasons": troubles}, 503 if troubles else 200)

    @app.get("/metrics", summary="Prometheus")
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_model_routes(app: FastAPI, service: Service) -> None:
    @app.get("/v1/models", summary="Models and languages")
    async def models() -> dict[str, object]:
        return (await service.catalogue()).listing(service.worker.holds)

    @app.post("/v1/models/{model:path}/load", summary="Load a model when its turn comes")
    async def load(model: str) -> dict[str, object]:
        return {"id": await service.load(model), "loaded": True}

    @app.delete("/v1/models/{model:path}", summary="Unload a model")
    async def unload(model: str) -> dict[str, object]:
        return {"id": await service.unload(model), "loaded": False}


def _add_job_routes(app: FastAPI, service: Service) -> None:
    @app.post("/v1/transcribe", summary="Transcribe; events in the form that Accept asks for")
    async def transcribe(request: Request) -> Response:
        request_id = _given_id(request) or new_request_id()
        request.state.request_id = request_id
        form = form_of(request.headers.get("accept", ""))
        job = await service.accept(request, request_id)
        settings = service.settings
        return JobResponse(job, form, heartbeat_s=settings.heartbeat_s, send_timeout_s=settings.send_timeout_s)

    @app.delete("/v1/jobs/{request_id}", status_code=202, summary="Cancel by X-Request-Id")
    async def cancel(request_id: str) -> dict[str, object]:
        return {"request_id": checked_request_id(request_id), "cancelling": service.cancel(request_id)}


def _given_id(request: Request) -> str | None:
    given = request.headers.get("x-request-id")
    return None if given is None else checked_request_id(given)


def _id_for_answer(request: Request) -> str:
    """The request's id, for an answer that has to be given also where the id is the mistake."""
    known = getattr(request.state, "request_id", None)
    return known if isinstance(known, str) else new_request_id()
