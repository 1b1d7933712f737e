"""Published models that need no training: a regressor that multiplies, and a language model for a made-up vLLM."""

import sys
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from freehold.own import artefact as artefacts
from freehold.own.artefact import MODEL, Artefact, Kind
from freehold.own.publish import manifest as manifests
from freehold.own.publish.manifest import Engine, Manifest, digest_of_files, files_of
from freehold.own.publish.registry import Entry, entry_of

# Stands on the PATH where vLLM's command would: it takes vLLM's words, and streams what it is told.
VLLM = """\
#!{python}
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
words = sys.argv[1:]
name, port = (words[words.index(one) + 1] for one in ("--served-model-name", "--port"))
sick = os.path.join(os.path.dirname(sys.argv[0]), "sick")

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(503 if any(map(os.path.exists, (sick, os.path.join(words[1], "slow")))) else 200, b"")

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = asked["messages"][-1]["content"]
        if said == "end":
            os._exit(7)
        if not asked.get("stream"):
            choice = {{"index": 0, "message": {{"role": "assistant", "content": said}}, "finish_reason": "stop"}}
            self.answer(200, json.dumps({{"model": name, "choices": [choice]}}).encode())
            return
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        pieces = [{{"index": 0, "delta": {{"content": word}}}} for word in said.split()]
        pieces.append({{"index": 0, "delta": {{}}, "finish_reason": "stop"}})
        lines = [json.dumps({{"model": name, "choices": [one]}}) for one in pieces]
        for line in (*lines, "[DONE]"):
            data = b"data: %b\\n\\n" % line.encode()
            self.wfile.write(b"%x\\r\\n%b\\r\\n" % (len(data), data))
        self.wfile.write(b"0\\r\\n\\r\\n")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"""


def regressor(runs: Path, name: str, slope: float = 2.0) -> Entry:
    """One that answers `slope` times x."""

    def fill(model: Path) -> None:
        import numpy as np

        from freehold.own.predicting import shape as shapes
        from freehold.own.predicting.shape import Column, Input, Method, Shape, Weights

        arrays = {"weights": np.array([[slope]]), "bias": np.zeros(1), "half_width": np.ones(())}
        shapes.write(model, Weights(Shape(Input.TABLE, Method.LINEAR, columns=(Column("x"),)), arrays))

    return _published(runs, name, Kind.REGRESSOR, Engine.PREDICTOR, fill)


def chatting(runs: Path, name: str, *, slow: bool = False) -> Entry:
    """One for a vLLM; see `on_path`. A slow one is never ready."""
    fill = (lambda model: (model / "slow").touch()) if slow else (lambda model: None)
    return _published(runs, name, Kind.LANGUAGE, Engine.VLLM, fill)


def broken(runs: Path, name: str) -> Entry:
    """One whose engine ends at once: there is nothing to load."""
    return replace(_published(runs, name, Kind.REGRESSOR, Engine.PREDICTOR, lambda model: None))


def on_path(folder: Path) -> Path:
    """A folder for the PATH with a made-up vLLM."""
    folder.mkdir(exist_ok=True)
    file = folder / "vllm"
    file.write_text(VLLM.format(python=sys.executable))
    file.chmod(0o755)
    return folder


def _published(runs: Path, name: str, kind: Kind, engine: Engine, fill: Callable[[Path], None]) -> Entry:
    folder = runs / name / "publish"
    model = folder / MODEL
    model.mkdir(parents=True)
    artefacts.write(model, Artefact(name, kind, "predict", "MIT", 1))
    fill(model)
    files = files_of(model)
    told = Manifest(name, kind, "predict", "MIT", (engine,), digest_of_files(files), files, region="FI")
    manifests.write(folder, told)
    return entry_of(folder, told, engine, "alice")
