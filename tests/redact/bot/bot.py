"""A trading bot that is verbose and fails: bot.py CLIENT URL FOLDER [guarded]

CLIENT: ccxt, requests, httpx or urllib. Keys come from the environment. Writes to stdout, stderr and files in FOLDER on every
path it knows. The one line that closes all of them is marked.
"""

from __future__ import annotations

import sys

if "guarded" in sys.argv:
    import leakguard.redact

    leakguard.redact.install(fds=True)  # <- the line

import asyncio
import gc
import hashlib
import hmac
import json
import logging
import logging.handlers
import os
import subprocess
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPHandler, Request, build_opener

CLIENT, URL, FOLDER = sys.argv[1:4]
KEY, SECRET = os.environ["BINANCE_API_KEY"], os.environ["BINANCE_API_SECRET"]
log = logging.getLogger("bot")


class RefusedError(Exception):
    """The exchange said no."""


def signed() -> tuple[str, dict[str, str]]:
    query = urlencode({"recvWindow": 5000, "timestamp": int(time.time() * 1000)})
    signature = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    return f"{URL}/api/v3/account?{query}&signature={signature}", {"X-MBX-APIKEY": KEY}


def by_ccxt() -> None:
    import ccxt

    exchange = ccxt.binance({"apiKey": KEY, "secret": SECRET, "verbose": True})
    exchange.urls["api"]["private"] = f"{URL}/api/v3"
    exchange.private_get_account()


def by_requests() -> None:
    import http.client

    import requests

    http.client.HTTPConnection.debuglevel = 1
    url, headers = signed()
    answer = requests.get(url, headers=headers, timeout=10)
    if answer.status_code != 200:
        raise RefusedError(f"{answer.status_code} for {url}: {answer.text}")


def by_httpx() -> None:
    import httpx

    url, headers = signed()
    answer = httpx.get(url, headers=headers)
    if answer.status_code != 200:
        print("httpx:", answer.request.url, dict(headers))
        answer.raise_for_status()


def by_urllib() -> None:
    url, headers = signed()
    try:
        build_opener(HTTPHandler(debuglevel=1)).open(Request(url, headers=headers), timeout=10).close()
    except HTTPError as error:
        with error:
            raise RefusedError(f"{error.code} for {url}: {error.read().decode()}") from None


CLIENTS: dict[str, Callable[[], None]] = {"ccxt": by_ccxt, "requests": by_requests, "httpx": by_httpx, "urllib": by_urllib}


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        trace = self.formatException(record.exc_info) if record.exc_info else None
        return json.dumps({"msg": record.getMessage(), "trace": trace, "config": getattr(record, "config", None)})


def set_up() -> None:
    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    plain = logging.handlers.RotatingFileHandler(os.path.join(FOLDER, "plain.log"))
    lines = logging.FileHandler(os.path.join(FOLDER, "lines.jsonl"))
    lines.setFormatter(JsonLines())
    root.addHandler(plain)
    root.addHandler(lines)


def trade() -> None:
    config = {"exchange": "binance", "apiKey": KEY, "secret": SECRET, "verbose": True}
    log.info("config %s", config)
    log.info("start", extra={"config": config})
    try:
        CLIENTS[CLIENT]()
    except Exception:
        log.exception("account failed")
        print("print:", traceback.format_exc().replace("\n", " "), config)
    log.info("retry %d", config)  # wrong on purpose: logging reports it on stderr
    warnings.warn(f"warning: {config}", stacklevel=1)
    in_thread = threading.Thread(target=fail, args=(f"thread: {config}",))
    in_thread.start()
    in_thread.join()
    asyncio.run(in_task(f"task: {config}"))
    sys.stdout.flush()
    os.write(2, f"os.write: {config}\n".encode())
    subprocess.run([sys.executable, "-S", "-c", "import os; print('child:', dict(os.environ))"], check=True)


def fail(text: str) -> None:
    raise RefusedError(text)


async def in_task(text: str) -> None:
    async def run() -> None:
        fail(text)

    task = asyncio.ensure_future(run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()


def others(config: Any) -> None:
    """The same by structlog and loguru, where they are."""
    try:
        import structlog
    except ImportError:
        pass
    else:
        with open(os.path.join(FOLDER, "structlog.log"), "w") as file:
            structlog.wrap_logger(structlog.PrintLogger(file), processors=[structlog.processors.JSONRenderer()]).info(
                "start", config=config
            )
    try:
        from loguru import logger
    except ImportError:
        return
    number = logger.add(os.path.join(FOLDER, "loguru.log"), serialize=True)
    logger.bind(config=config).info("loguru: {}", config)
    logger.remove(number)


if __name__ == "__main__":
    set_up()
    trade()
    others({"apiKey": KEY, "secret": SECRET})
    fail(f"uncaught: {SECRET}")
