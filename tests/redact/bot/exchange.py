"""A small exchange on loopback: checks keys and signatures as Binance does, then fails on purpose and says too much."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class Exchange:
    """Serves until it is closed. `signatures`: those that were right, in order; `refused` counts the others."""

    def __init__(self, key: str, secret: str) -> None:
        self.key, self.secret = key, secret
        self.signatures: list[str] = []
        self.refused = 0
        exchange = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                exchange.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        query, _, signature = urlsplit(request.path).query.rpartition("&signature=")
        right = hmac.new(self.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        if request.headers.get("X-MBX-APIKEY") != self.key or not hmac.compare_digest(signature, right):
            self.refused += 1
            body: dict[str, Any] = {"code": -1022, "msg": "Signature for this request is not valid."}
        else:
            self.signatures.append(signature)
            body = {"code": -2015, "msg": "Invalid permissions", "apiKey": self.key, "signature": signature}
        data = json.dumps(body).encode()
        request.send_response(401)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()
