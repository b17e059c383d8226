"""Figures as people read them: columns in a terminal."""

from collections.abc import Sequence


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The first column stands on the left, figures on the right."""
    lines = [list(head), *([*map(str, row)] for row in rows)]
    wide = [max(len(line[i]) for line in lines) for i in range(len(head))]

    def aligned(line: Sequence[str]) -> str:
        first, *rest = (
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, wide, strict=True))
        )
        return "  ".join([first, *rest]).rstrip()

    rule = "  ".join("-" * width for width in wide)
    return "\n".join([title, "", aligned(lines[0]), rule, *map(aligned, lines[1:]), ""])
