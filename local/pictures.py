"""The demo studio's pictures: seascapes and hills, drawn from a few numbers each."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Scene:
    title: str
    sky: tuple[str, str]
    land: tuple[str, str, str]
    sun: tuple[int, int, int, str] | None
    rough: int


SCENES = {
    "low-tide": Scene(
        "Low tide",
        ("#f7d9b8", "#e58f65"),
        ("#6b7f8f", "#4a6072", "#2d4254"),
        (560, 250, 46, "#fff1d6"),
        10,
    ),
    "first-light": Scene(
        "First light",
        ("#fbe8d3", "#9fc0d9"),
        ("#89a3b5", "#5f7f95", "#3a5a72"),
        (250, 300, 38, "#ffffff"),
        16,
    ),
    "north-pier": Scene(
        "North pier", ("#dfe9ee", "#a9bfcb"), ("#7b97a5", "#557585", "#30505f"), None, 6
    ),
    "harbour-at-dusk": Scene(
        "Harbour at dusk",
        ("#3a3f6b", "#d9798a"),
        ("#40426b", "#2c2f52", "#191c37"),
        (600, 330, 30, "#ffd9a0"),
        8,
    ),
    "pine-ridge": Scene(
        "Pine ridge",
        ("#dff0e3", "#9cc7a5"),
        ("#6fa17c", "#47785a", "#27523c"),
        (520, 160, 34, "#fffbe6"),
        60,
    ),
    "after-rain": Scene(
        "After rain", ("#c9d6df", "#e8eef2"), ("#8fa8b0", "#678690", "#3f626e"), None, 42
    ),
    "red-cliffs": Scene(
        "Red cliffs",
        ("#cfe3f2", "#f4e3d0"),
        ("#d08c6a", "#b0603f", "#7c3d28"),
        (200, 150, 40, "#fff6dd"),
        80,
    ),
    "winter-field": Scene(
        "Winter field",
        ("#eef3f8", "#cfdbe8"),
        ("#f4f7fb", "#dde6f0", "#b9c8d9"),
        (610, 190, 32, "#ffe9c9"),
        24,
    ),
}


def draw(name: str) -> str | None:
    """The picture as SVG; the same one each time."""
    scene = SCENES.get(name)
    if scene is None:
        return None
    chance = random.Random(name)  # noqa: S311 - a picture, not a secret
    hills = "".join(
        f'<path fill="{colour}" d="{_ridge(chance, 300 + 70 * i, scene.rough * (3 - i) // 2)}"/>'
        for i, colour in enumerate(scene.land)
    )
    sun = ""
    if scene.sun:
        x, y, r, colour = scene.sun
        sun = f'<circle cx="{x}" cy="{y}" r="{r}" fill="{colour}"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 750 500" role="img" '
        f'aria-label="{scene.title}"><defs><linearGradient id="s" x1="0" y1="0" x2="0" y2="1">'
        f'<stop offset="0" stop-color="{scene.sky[0]}"/>'
        f'<stop offset="1" stop-color="{scene.sky[1]}"/>'
        f'</linearGradient></defs><rect width="750" height="500" fill="url(#s)"/>{sun}{hills}</svg>'
    )


def _ridge(chance: random.Random, base: int, rough: int) -> str:
    points = []
    height = float(base)
    for x in range(0, 751, 25):
        height += chance.uniform(-rough, rough) / 3 + (base - height) * 0.15
        points.append(f"L{x} {height:.0f}")
    return "M0 500" + "".join(points) + "L750 500Z"
