"""docs/tutorial.md, step by step on a copy of the project: what it says to write or to run is written or run."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.kit.checkout import copied

ROOT = Path(__file__).resolve().parents[1]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
STEP = re.compile(
    r"(?:In|At the end of) `(?P<path>[^`]+)`"
    r"(?:, (?P<how>before|instead of|fill in what is empty)(?: `(?P<anchor>[^`]+)`)?)?:\n\n"
    r"```\w*\n(?P<text>.*?)```|```sh\n(?P<commands>.*?)```",
    re.S,
)
FILLED = re.compile(r'^(?P<key>[\w.]+) = (?P<text>".*")$', re.M)


def test_a_warning_sign_is_added_as_the_tutorial_says(tmp_path: Path) -> None:
    checkout = copied(tmp_path / "cordwatch")
    environ = os.environ | {"PYTHONPATH": str(checkout)}
    written = set()
    for step in STEP.finditer(TUTORIAL):
        if step["commands"]:
            for command in step["commands"].splitlines():
                done = run(command, checkout, environ)
                assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}{done.stderr[-2000:]}"
        else:
            written.add(step["path"])
            follow(step, checkout / step["path"])
    assert len(written) == 7
    assert "worse_straining" in (checkout / "dialogs/protocols/spinal_metastases/protocol.toml").read_text()


def run(command: str, checkout: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, shell=True, cwd=checkout, env=environ, capture_output=True, text=True, timeout=300)


def follow(step: re.Match[str], path: Path) -> None:
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    match step["how"]:
        case None:
            after = before + step["text"]
        case "fill in what is empty":
            after = before
            for key, text in FILLED.findall(step["text"]):
                entry = re.compile(rf'(msgctxt "{re.escape(key)}"\nmsgid .*?\nmsgstr )""\n', re.S)
                after, count = entry.subn(lambda found, text=text: f"{found[1]}{text}\n", after, count=1)
                assert count == 1, key
        case how:
            place = re.search(anchored(step["anchor"]), before, re.M)
            assert place, f"{path.name} has no line {step['anchor']!r}"
            rest = place.start() if how == "before" else before.index("\n", place.start()) + 1
            after = before[: place.start()] + step["text"] + before[rest:]
    path.write_text(after, encoding="utf-8")


def anchored(line: str) -> str:
    """A line that begins so; `[[table]] id = "…"` stands on two."""
    return "^" + re.escape(line).replace(r"\]\]\ id", r"\]\]\nid")
