"""Decodes an OTLP/HTTP body from standard input with OpenTelemetry's own protobuf classes and prints it as JSON.

Usage: otlp_receiver.py traces|metrics < body
Needs PyPI's opentelemetry-proto.
"""

import json
import sys

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

kinds = {"traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest}
message = kinds[sys.argv[1]]()
message.ParseFromString(sys.stdin.buffer.read())
# Fields the classes do not know would be kept silently: refuse them.
again = message.SerializeToString()
message.DiscardUnknownFields()
if message.SerializeToString() != again:
    sys.exit("unknown fields")
json.dump(MessageToDict(message, preserving_proto_field_name=True), sys.stdout, sort_keys=True)
