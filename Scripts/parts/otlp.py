"""Receives OTLP/HTTP on loopback with the official protobuf classes and hands the spans back as JSON.

POST /v1/traces   protobuf or JSON, gzip or not; 400 where the official classes cannot parse it
GET /spans        {"requests": [{"headers": {...}, "resourceSpans": [...]}]}, oldest first
DELETE /spans     forgets them
"""

import gzip
import json
import sys
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

REQUESTS_MAX = 10_000
requests = deque(maxlen=REQUESTS_MAX)
guard = threading.Lock()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return gzip.decompress(data) if self.headers.get("Content-Encoding") == "gzip" else data

    def do_POST(self):
        data = self.body()
        if self.path != "/v1/traces":
            return self.answer(404)
        kind = self.headers.get("Content-Type", "").split(";")[0].strip()
        message = ExportTraceServiceRequest()
        try:
            if kind == "application/x-protobuf":
                message.ParseFromString(data)
            elif kind == "application/json":
                json_format.Parse(data, message)
            else:
                return self.answer(415)
        except Exception as problem:
            return self.answer(400, json.dumps({"message": str(problem)}).encode())
        spans = json_format.MessageToDict(message).get("resourceSpans", [])
        with guard:
            requests.append({"headers": dict(self.headers.items()), "resourceSpans": spans})
        done = ExportTraceServiceResponse()
        if kind == "application/json":
            return self.answer(200, json_format.MessageToJson(done).encode())
        return self.answer(200, done.SerializeToString(), "application/x-protobuf")

    def do_GET(self):
        if self.path != "/spans":
            return self.answer(404)
        with guard:
            found = list(requests)
        self.answer(200, json.dumps({"requests": found}).encode())

    def do_DELETE(self):
        with guard:
            requests.clear()
        self.answer(204)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
