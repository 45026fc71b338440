# SPDX-License-Identifier: BSD-3-Clause
"""A Linux guest in QEMU (software emulation) with vhost-user cards, driven by its serial line."""
import os

from leatlib import paths
from leatlib.process import Process

PROMPT = r"^guest:(\d+)> "
BOOT_SECONDS = 60


class Guest:
    """`nics` is a list of dicts: socket, mac, if need be server (True: QEMU listens), queues."""

    def __init__(self, nics, memory=192):
        argv = ["qemu-system-x86_64", "-M", "pc,accel=tcg,memory-backend=mem", "-cpu", "max",
                "-m", memory, "-smp", "1", "-object",
                f"memory-backend-memfd,id=mem,size={memory}M,share=on", "-display", "none",
                "-nodefaults", "-no-user-config", "-no-reboot", "-monitor", "none",
                "-serial", "stdio",
                "-kernel", os.path.join(paths.GUEST, "vmlinuz"),
                "-initrd", os.path.join(paths.GUEST, "initramfs.gz"),
                "-append", "console=ttyS0 quiet panic=-1 mitigations=off"]
        for number, nic in enumerate(nics):
            server = ",server=on,wait=off" if nic.get("server") else ",reconnect=1"
            queues = nic.get("queues", 1)
            # vectors=0: without KVM, QEMU 7.2 crashes unmasking a vhost-user card's MSI-X vector.
            argv += ["-chardev", f"socket,id=c{number},path={nic['socket']}{server}",
                     "-netdev", f"vhost-user,id=n{number},chardev=c{number},queues={queues}",
                     "-device", f"virtio-net-pci,netdev=n{number},mac={nic['mac']},romfile=,"
                                f"vectors=0,mq={'on' if queues > 1 else 'off'}"]
        self.process = Process(argv, stdin=True)
        try:
            self.process.expect(PROMPT, BOOT_SECONDS)
        except AssertionError:
            self.process.kill()
            raise

    def send(self, command):
        """Begin a command; a place in the output from which finish() waits for its end."""
        mark = self.process.mark()
        self.process.write(command + "\n")
        return mark

    def finish(self, mark, seconds=20, check=True):
        """Wait for the prompt after `mark`; what was printed. With check, a failure is ours."""
        match = self.process.expect(PROMPT, seconds, mark)
        text = self.process.text(mark)[:match.start()].replace("\r", "")
        assert not check or match.group(1) == "0", f"in the guest: {text}"
        return text

    def run(self, command, seconds=20, check=True):
        return self.finish(self.send(command), seconds, check)

    def close(self):
        self.process.kill()
