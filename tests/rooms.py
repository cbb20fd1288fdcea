"""Draws docs/pictures/rooms.svg from the code: `python -m tests.rooms`.

Each room with its files and the first sentence of its docstring, a band a layer. An arrow says "imports"; one that
follows from others is left out.
"""

from __future__ import annotations

import ast
import textwrap
from collections import defaultdict
from pathlib import Path
from xml.sax.saxutils import escape

from tests.test_layers import MODULES, ROOMS, ROOT, imports, room_of

PICTURE = ROOT / "docs" / "pictures" / "rooms.svg"
LAYERS = {
    5: "puts it together",
    4: "pages and tools",
    3: "the path of a message",
    2: "makes: one outside family each",
    1: "interfaces, settings, pages",
    0: "decides",
}
WIDTH, BAND, BOX, HEIGHT, LEFT, TOP = 1180, 122, 176, 78, 152, 14
INK, FAINT, LINE = "#1f2933", "#616e7c", "#2f6f8f"

Point = tuple[float, float]


def main() -> None:
    PICTURE.write_text(drawing(), encoding="utf-8")
    print(f"{PICTURE.relative_to(ROOT)}: {len(rooms())} rooms, {len(MODULES)} modules, {len(arrows())} arrows")


def rooms() -> dict[str, list[Path]]:
    """The files of each room, without the empty ones that only make a folder a package."""
    found: dict[str, list[Path]] = defaultdict(list)
    for module, path in sorted(MODULES.items()):
        if module != "bot":
            found[room_of(module)].append(path)
    return found


def arrows() -> set[tuple[str, str]]:
    """Which room imports which, less what follows from other arrows."""
    direct = {
        (room_of(module), room_of(imported))
        for module, path in MODULES.items()
        for imported in imports(path)
        if imported in MODULES and "bot" not in (room_of(module), room_of(imported))
    }
    direct = {(a, b) for a, b in direct if a != b}
    return {(a, b) for a, b in direct if not any((a, c) in direct and reaches(c, b, direct) for c in ROOMS if c != b)}


def reaches(start: str, end: str, direct: set[tuple[str, str]]) -> bool:
    seen, open_ = set[str](), [start]
    while open_:
        room = open_.pop()
        if room == end:
            return True
        if room not in seen:
            seen.add(room)
            open_ += [b for a, b in direct if a == room]
    return False


def drawing() -> str:
    height = TOP + BAND * len(LAYERS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" role="img">',
        "<title>The rooms of Cordwatch, and which imports which</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="{LINE}"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *(band(layer) for layer in LAYERS),
        *(arrow(*ends) for ends in sorted(arrows())),
        *(box(room, files) for room, files in rooms().items()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def top_of(layer: int) -> int:
    return TOP + BAND * (max(LAYERS) - layer)


def band(layer: int) -> str:
    y = top_of(layer)
    return (
        f'<rect x="6" y="{y}" width="{WIDTH - 12}" height="{BAND - 14}" rx="6" fill="#f4f6f8"/>'
        f'<text x="18" y="{y + 24}" font-size="15" font-weight="bold" fill="{INK}">L{layer}</text>'
        + "".join(
            f'<text x="18" y="{y + 44 + 15 * row}" font-size="12" fill="{FAINT}">{escape(line)}</text>'
            for row, line in enumerate(textwrap.wrap(LAYERS[layer], 20))
        )
    )


def corner(room: str) -> Point:
    """The upper left corner of its box; rooms of a layer stand in the order of the table."""
    neighbours = [other for other in ROOMS if ROOMS[other].layer == ROOMS[room].layer and other != "bot"]
    gap = (WIDTH - LEFT - BOX * len(neighbours)) / (len(neighbours) + 1)
    index = neighbours.index(room)
    return LEFT + gap * (index + 1) + BOX * index, top_of(ROOMS[room].layer) + 15


def box(room: str, files: list[Path]) -> str:
    x, y = corner(room)
    lines = textwrap.wrap(says(room), 26, max_lines=3, placeholder=" …")
    return (
        f'<rect x="{x:.0f}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="5" fill="#ffffff" stroke="{INK}"/>'
        f'<text x="{x + 10:.0f}" y="{y + 19}" font-size="12" font-weight="bold" fill="{INK}">'
        f"{escape(room.removeprefix('bot.').replace('.', '/'))}"
        f'<tspan font-weight="normal" font-size="11" fill="{FAINT}"> {len(files)} '
        f"{'file' if len(files) == 1 else 'files'}</tspan></text>"
        + "".join(
            f'<text x="{x + 10:.0f}" y="{y + 36 + 14 * row}" font-size="11" fill="{INK}">{escape(line)}</text>'
            for row, line in enumerate(lines)
        )
    )


def says(room: str) -> str:
    """The first sentence of the room's docstring."""
    text = ast.get_docstring(ast.parse(MODULES[room].read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def arrow(start: str, end: str) -> str:
    (x1, y1), (x2, y2) = corner(start), corner(end)
    if ROOMS[start].layer == ROOMS[end].layer:
        a, c, over = x1 + BOX * (0.8 if x1 < x2 else 0.2), x2 + BOX * (0.2 if x1 < x2 else 0.8), y1 - 12
        path = f"M{a:.0f} {y1}C{a:.0f} {over} {c:.0f} {over} {c:.0f} {y2}"
    else:
        a, b, c, d = x1 + BOX / 2, y1 + HEIGHT, x2 + BOX / 2, y2
        path = f"M{a:.0f} {b:.0f}C{a:.0f} {b + 34:.0f} {c:.0f} {d - 34:.0f} {c:.0f} {d:.0f}"
    return f'<path d="{path}" fill="none" stroke="{LINE}" stroke-opacity="0.6" marker-end="url(#tip)"/>'


if __name__ == "__main__":
    main()
