"""The command `elman` as a shell finds it, each call a fork of one process, so that torch is imported once only."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

COMMAND = """#!{python} -SI
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
socket.send_fds(server, [json.dumps([os.getcwd(), sys.argv[1:]]).encode()], [0, 1, 2])
sys.exit(server.recv(1)[0])
"""


@contextmanager
def warm_elman(folder: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """An environment in whose shell `elman` is answered at once."""
    address, command = str(folder / "elman.socket"), folder / "elman"
    command.write_text(COMMAND.format(python=sys.executable, address=address))
    command.chmod(0o755)
    server = subprocess.Popen([sys.executable, __file__, address], env=environment, stdout=subprocess.PIPE)
    with server:
        assert server.stdout is not None
        server.stdout.readline()  # it listens
        yield dict(environment) | {"PATH": f"{folder}{os.pathsep}{environment['PATH']}"}
        server.terminate()


def serve(address: str) -> None:
    """Answer every call in a process of its own, with the caller's folder, arguments, input and outputs."""
    from elman import cli, experiment, model  # noqa: F401 - what the verbs import

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while True:
            caller, _ = listener.accept()
            message, streams, _, _ = socket.recv_fds(caller, 1 << 16, 3)
            if os.fork() == 0:
                answer(caller, *json.loads(message), streams, cli.main)
            for handle in (*streams, caller.detach()):
                os.close(handle)


def answer(caller: socket.socket, folder: str, arguments: list[str], streams: list[int], main) -> None:
    """One call, which ends this process."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    sys.argv = ["elman", *arguments]
    code = 1  # of what is not even an exit
    try:
        main()
        code = 0
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        caller.sendall(bytes([code]))
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
