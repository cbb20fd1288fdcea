"""`cordwatch run` as a child of a test that only reads what it says."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

LAST_LINE = "  Commands "


@contextmanager
def serving(
    command: Sequence[str], environ: Mapping[str, str], cwd: Path | None = None, until: str = LAST_LINE
) -> Iterator[str]:
    """The service, once it has said this line: what it said so far. Interrupted at the end of the block."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, cwd=cwd, env=environ, text=True, **pipes) as service:  # type: ignore[call-overload]
        try:
            said = ""
            while until not in said:
                line = service.stdout.readline()
                assert line, f"the service ended:\n{said}"
                said += line
            yield said
        finally:
            service.send_signal(signal.SIGINT)
            service.communicate(timeout=60)
