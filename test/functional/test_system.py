# SPDX-License-Identifier: BSD-3-Clause
"""The daemon as such: who it is, what it knows, how it starts and ends."""
import json
import os
import signal

import pytest

from leatlib import paths, rpc, wait
from leatlib.daemon import Daemon, sanitizer_env
from leatlib.process import Process, run
from leatlib.rpc import Rpc, RpcError


def test_hello(switch):
    hello = switch.call("system.hello", client="test", version="1", api={"min": 1, "max": 1},
                        owner="test")
    assert hello["api"] == 1
    assert hello["server"]["name"] == "leatd" and "22.11" in hello["server"]["dpdk"]
    assert hello["boot_id"] and hello["config_source"] == "empty" and hello["rev"] == 0
    assert hello["limits"] and isinstance(hello["capabilities"], list)


def test_hello_refuses_another_version(switch):
    with pytest.raises(RpcError) as caught:
        switch.call("system.hello", client="t", version="1", api={"min": 7, "max": 9}, owner="t")
    assert caught.value.code == -32004


def test_status_ping_methods_schema(switch):
    switch.call("system.ping")
    status = switch.call("system.status")
    assert [str(worker["cpu"]) for worker in status["workers"]] == paths.WORKERS.split(",")
    assert status["rev"] == 0 and status["uptime_s"] >= 0
    names = [method["name"] for method in switch.call("system.methods")["methods"]]
    for name in ("system.hello", "endpoint.upsert", "rule.list", "txn.apply", "stats.get"):
        assert name in names
    assert switch.call("system.schema")["version"] == 1


def test_bad_lines_do_not_end_the_connection(switch):
    for line, code in ((b"{nonsense\n", rpc.PARSE), (b"[]\n", rpc.INVALID_REQUEST),
                       (b'{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}\n',
                        rpc.INVALID_REQUEST),
                       (b"[" * 40 + b"]" * 40 + b"\n", rpc.INVALID_REQUEST),
                       (b'{"jsonrpc":"2.0","id":1,"method":"no.such"}\n', rpc.NO_METHOD)):
        switch.rpc.send_raw(line)
        assert switch.rpc.read_reply()["error"]["code"] == code, line
    switch.rpc.send_raw(b"x" * (5 << 20) + b"\n")
    assert switch.rpc.read_reply()["error"]["code"] == rpc.TOO_LARGE
    switch.call("system.ping")


def test_params_are_strict(net):
    good = {"id": "e", "network": "net", "port": {"kind": "tap", "name": "x0"}}
    for change, path in (({"mac": "nonsense"}, "/mac"), ({"nonsense": 1}, "/nonsense"),
                         ({"port": {"kind": "carrier pigeon"}}, "/port/kind"),
                         ({"port": {"kind": "vhost-user"}}, "/port/socket"),
                         ({"ips": ["10.0.0.1", "10.0.0.300"]}, "/ips/1"),
                         ({"network": 7}, "/network"), ({"id": "a b"}, "/id")):
        with pytest.raises(RpcError) as caught:
            net.call("endpoint.upsert", {**good, **change})
        assert (caught.value.code, caught.value.path) == (rpc.PARAMS, path)
    assert net.call("endpoint.list")["items"] == []
    assert net.call("system.status")["rev"] == 1


def test_what_is_not_enforced_is_refused(net):
    with pytest.raises(RpcError) as caught:
        net.call("network.upsert", {"id": "n", "encap": "vxlan", "vni": 5})
    assert caught.value.code == rpc.UNSUPPORTED


def test_upsert_is_idempotent(net):
    first = net.network("other", vlan=7)
    again = net.network("other", vlan=7)
    assert first["changed"] and not again["changed"] and again["rev"] == first["rev"]
    changed = net.network("other", vlan=8)
    assert changed["changed"] and changed["rev"] == first["rev"] + 1
    assert net.call("network.delete", id="other")["changed"]
    assert not net.call("network.delete", id="other")["changed"]


def test_references(net):
    with pytest.raises(RpcError) as caught:
        net.tap("c1", network="missing")
    assert caught.value.code == rpc.DEPENDENCY
    net.tap("c2")
    with pytest.raises(RpcError) as caught:
        net.call("network.delete", id="net")
    assert caught.value.code == rpc.IN_USE
    with pytest.raises(RpcError) as caught:
        net.network("twin", vlan=100)
    assert caught.value.code == rpc.CONFLICT


def test_transaction_is_all_or_nothing(net):
    host = net.host("c1", ns=True)
    port = {"kind": "tap", "netns": host.ns.path, "name": "eth0"}
    endpoint = {"id": "c1", "network": "new", "mac": host.mac, "port": port}
    ops = [{"method": "endpoint.upsert", "params": endpoint},
           {"method": "network.upsert", "params": {"id": "new", "encap": "vlan", "vlan": 9}}]
    bad = {"method": "endpoint.upsert", "params": {
        "id": "c2", "network": "new", "port": {**port, "netns": "/run/netns/none"}}}
    with pytest.raises(RpcError) as caught:
        net.call("txn.apply", ops=[*ops, bad])
    assert caught.value.code == rpc.TXN_ABORTED and caught.value.data["failed_index"] == 2
    assert not host.ns.has_link("eth0")
    assert [item["id"] for item in net.call("network.list")["items"]] == ["net"]
    assert net.call("txn.apply", ops=ops)["rev"] == 2
    assert host.ns.has_link("eth0")


def test_state_round_trip(net, make_switch):
    net.call("group.upsert", id="g", default_action="deny")
    net.call("rule.upsert", id="r", group="g", direction="in", action="allow", proto="tcp",
             port="80-90", remote={"cidr": "10.0.0.0/8"})
    net.vhost("v1", group="g", qos={"tx_kbps": 1000})
    objects = net.call("state.get")["objects"]
    other = make_switch()
    for endpoint in objects["endpoint"]:
        endpoint["port"]["socket"] = other.path("v1.sock")
    added = other.call("state.replace", objects=objects)
    assert added["rev"] == 1
    assert other.call("state.get")["objects"] == objects
    assert other.call("state.replace", objects=objects)["rev"] == 1


def test_second_daemon_on_the_same_socket_stops(switch):
    second = Process([switch.binary, "--socket", switch.socket, "--no-state", "--workers", "1",
                      "--memory", "64"], env=sanitizer_env())
    assert second.wait(30) == 3, second.text()
    assert "leatd.sock" in second.text() and second.text().count("\n") < 40
    second.close()
    switch.call("system.ping")


def test_stale_socket_is_taken_over(make_switch):
    first = make_switch()
    first.process.kill(signal.SIGKILL)
    assert os.path.exists(first.socket)
    first.rpc.close()
    first.start()
    first.call("system.ping")


def test_shutdown_by_rpc(switch):
    boot_id = switch.call("system.hello", client="t", version="1",
                          api={"min": 1, "max": 1})["boot_id"]
    with pytest.raises(RpcError):
        switch.call("system.shutdown", confirm="somebody else")
    switch.call("system.shutdown", confirm=boot_id)
    assert switch.process.wait(30) == 0, switch.log()
    assert not os.path.exists(switch.socket)
    switch.rpc.close()
    switch.rpc = None


def test_hugepages_missing_is_said_with_its_remedy(tmp_path):
    daemon = Daemon(memory=65536, directory=str(tmp_path), start=False)
    process = Process(daemon.argv, env=sanitizer_env())
    assert process.wait(30) == 1, process.text()
    assert "hugepages" in process.text() and "nr_hugepages" in process.text(), process.text()
    process.close()


def ends_with(code, options, *words):
    """leatd with these options ends at once, with that exit code and a line saying these words."""
    daemon = [os.path.join(paths.BUILD, "leatd"), "--no-state", "--workers", "1", "--memory", "64"]
    process = Process([*daemon, *options], env=sanitizer_env())
    assert process.wait(30) == code, process.text()
    lines = [line for line in process.text().splitlines() if line.startswith("leatd: error:")]
    assert lines and all(word in lines[0] for word in words), process.text()
    process.close()


def test_sockets_that_cannot_be(tmp_path):
    long = str(tmp_path / ("x" * 108))
    ends_with(2, ["--socket", long], "107")
    ends_with(1, ["--socket", str(tmp_path / "no/such/folder")], "make its folder", "--socket")
    file = tmp_path / "file"
    file.write_text("precious")
    ends_with(1, ["--socket", str(file)], str(file), "not a socket", "another --socket")
    assert file.read_text() == "precious"
    ends_with(2, ["--socket", str(tmp_path / "s"), "--socket-group", "nosuchgroup"], "nosuchgroup")


@pytest.mark.parametrize("text,words", [
    (None, ["No such file"]), ('{"objects"', ["line 1"]),
    ('{"objects": {"network": [{"id": "n", "vlan": 99999}]}}', ["/objects/network/0/vlan"]),
    ('{"objects": {"endpoint": [{"id": "e", "network": "none", "port": {"kind": "tap", '
     '"name": "x0"}}]}}', ["none"])])
def test_config_that_cannot_be(tmp_path, text, words):
    config = tmp_path / "config.json"
    if text is not None:
        config.write_text(text)
    socket = tmp_path / "s"
    ends_with(4, ["--socket", str(socket), "--config", str(config)], "--config", *words)
    assert not socket.exists()


def test_without_hugepages_tap_ports_work(make_switch):
    switch = make_switch(extra=["--", "--no-huge"])
    switch.network()
    a, b = switch.tap("a"), switch.tap("b")
    a.ping(b)


def test_bad_command_line(switch):
    for options in (["--nonsense"], ["--workers", "x"], ["--memory", "-5"]):
        done = run([switch.binary, *options], check=False)
        assert done.returncode == 2 and done.stderr, (options, done)


def test_a_client_that_does_not_read_holds_nobody_up(switch):
    """It is dropped, or its requests are no longer taken; others do not notice."""
    lazy = Rpc(switch.socket, timeout=1)
    line = b'{"jsonrpc":"2.0","id":1,"method":"system.schema"}\n'
    with pytest.raises((BrokenPipeError, ConnectionResetError, TimeoutError)):
        for _ in range(20000):
            lazy.send_raw(line * 50)
    switch.call("system.ping")
    lazy.close()


def test_leatctl(net):
    host = net.host("c1", ns=True)

    def ctl(*args):
        return run([net.ctl, "-s", net.socket, *args], check=False)
    done = ctl("endpoint", "add", "web1", "network=net", f"mac={host.mac}", f"ips={host.ip}",
               "port.kind=tap", f"port.netns={host.ns.path}", "port.name=eth0")
    assert done.returncode == 0, done
    assert host.ns.has_link("eth0")
    assert "web1" in ctl("endpoint", "list").stdout
    listed = json.loads(ctl("-j", "endpoint", "list").stdout)
    assert "web1" in json.dumps(listed)
    assert "web1" in ctl("stats").stdout
    assert ctl("endpoint", "add", "web2", "network=none").returncode in (1, 2)
    assert ctl("network", "delete", "net").returncode == 1
    assert ctl("nonsense").returncode == 2
    assert run([net.ctl, "-s", net.path("nobody"), "stats"], check=False).returncode == 3
    assert ctl("endpoint", "delete", "web1").returncode == 0
    wait.until(lambda: not host.ns.has_link("eth0"), 5, "the TAP to go")
