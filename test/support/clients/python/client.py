"""grpcio with its own xDS support, driven by a test.

It reads a JSON object a line: a call to make, or a control plane to ask for the status of its clients; and writes a
JSON object a line: the answer, with the same id. The bootstrap comes from GRPC_XDS_BOOTSTRAP_CONFIG, as for every
program that uses grpcio.
"""

import json
import sys
import threading

import grpc
from envoy.service.status.v3 import csds_pb2, csds_pb2_grpc

# A call that takes longer has failed.
CALL_TIMEOUT_SECONDS = 20

channels = {}
writing = threading.Lock()


def channel_to(target):
    if target not in channels:
        channels[target] = grpc.insecure_channel(target)
    return channels[target]


def write(answer):
    with writing:
        print(json.dumps(answer), flush=True)


def call(request):
    """Asks the echo at a target which copy it is; messages are bytes as they are."""
    unary = channel_to(request["target"]).unary_unary("/test.Echo/Unary")
    metadata = [(name, value) for name, values in request["metadata"].items() for value in values]
    future = unary.future(b'{"text":""}', metadata=metadata, timeout=CALL_TIMEOUT_SECONDS)

    def done(ended):
        error = ended.exception()
        if error is None:
            write({"id": request["id"], "copy": json.loads(ended.result())["copy"]})
        else:
            write({"id": request["id"], "error": f"{ended.code().name}: {ended.details()}"})

    future.add_done_callback(done)


def status(request):
    """Reads the client status discovery service (CSDS) of a control plane, by its stream."""
    stub = csds_pb2_grpc.ClientStatusDiscoveryServiceStub(channel_to(request["statusOf"]))
    responses = stub.StreamClientStatus(iter([csds_pb2.ClientStatusRequest()]), timeout=CALL_TIMEOUT_SECONDS)
    try:
        (response,) = responses
    except grpc.RpcError as error:
        write({"id": request["id"], "error": f"{error.code().name}: {error.details()}"})
        return
    resources = [
        {
            "node": client.node.id,
            "type": each.type_url,
            "name": each.name,
            "version": each.version_info,
            "configStatus": csds_pb2.ConfigStatus.Name(each.config_status),
            "clientStatus": each.DESCRIPTOR.fields_by_name["client_status"]
            .enum_type.values_by_number[each.client_status]
            .name,
        }
        for client in response.config
        for each in client.generic_xds_configs
    ]
    write({"id": request["id"], "resources": resources})


for line in sys.stdin:
    asked = json.loads(line)
    (status if asked.get("statusOf") else call)(asked)
