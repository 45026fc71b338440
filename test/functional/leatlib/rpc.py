# SPDX-License-Identifier: BSD-3-Clause
"""JSON-RPC 2.0 over a unix socket, one object a line."""
import json
import socket

PARSE, INVALID_REQUEST, NO_METHOD, PARAMS = -32700, -32600, -32601, -32602
TOO_LARGE, NOT_OWNER = -32001, -32005
NOT_FOUND, CONFLICT, DEPENDENCY, IN_USE, EXHAUSTED, UNSUPPORTED = range(1001, 1007)
STALE_REVISION, DEVICE, TXN_ABORTED, GUARD = range(1007, 1011)


class RpcError(Exception):
    """The switch answered with an error."""

    def __init__(self, method, error):
        self.code = error["code"]
        self.message = error["message"]
        self.data = error.get("data", {})
        self.reason = self.data.get("reason")
        self.path = self.data.get("path")
        super().__init__(f"{method}: {self.code} {self.reason} {self.path or ''}: {self.message}")


class Rpc:
    """One connection."""

    def __init__(self, path, timeout=15):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(path)  # blocking: where many connect at once it waits
        self.sock.settimeout(timeout)
        self.file = self.sock.makefile("rb")
        self.next_id = 0

    def close(self):
        self.file.close()
        self.sock.close()

    def send_raw(self, data):
        self.sock.sendall(data)

    def read_reply(self):
        """The next line, decoded; None when the switch hung up."""
        line = self.file.readline()
        return json.loads(line) if line else None

    def call(self, method, params=None, **fields):
        """The result, or RpcError. Parameters as a dict, as keywords, or both."""
        self.next_id += 1
        request = {"jsonrpc": "2.0", "id": self.next_id, "method": method}
        params = dict(params or {}, **fields)
        if params:
            request["params"] = params
        self.send_raw(json.dumps(request).encode() + b"\n")
        reply = self.read_reply()
        assert reply is not None, f"{method}: the switch hung up"
        assert reply["jsonrpc"] == "2.0" and reply["id"] == self.next_id, reply
        if "error" in reply:
            raise RpcError(method, reply["error"])
        return reply["result"]
