"""An application that does nothing, served as the web is: ``python -m tests.bench.emptyapp`` prints where."""

from __future__ import annotations

import sys

from fastapi import FastAPI

from controller.web.server import WebServer


def main() -> int:
    app = FastAPI(openapi_url=None)

    @app.get("/")
    def nothing() -> dict[str, bool]:
        return {"success": True}

    server = WebServer(app, listen="127.0.0.1:0")
    server.start()
    print(server.url, flush=True)
    sys.stdin.read()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
