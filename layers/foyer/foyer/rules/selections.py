"""Selections: pictures somebody keeps together. A guest has one, without a name; a client as many
as he likes (P8, P11). What is in one never lets anybody see more than he may (mission 0.12)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from foyer.rules.policy import Selections
from foyer.rules.refusals import Reason, Refusal

# The one without a name has the same id for everybody, so that a guest's and a client's can meet.
UNNAMED = "my-unnamed-selection--"


@dataclass(frozen=True, order=True)
class Kept:
    """A picture, by its gallery's id and its own."""

    gallery_id: str
    picture_id: str


@dataclass(frozen=True)
class Selection:
    """`share_id` is of the read-only link, while there is one. `submitted` says when it last went
    to the photographer of a gallery. Times are epoch seconds."""

    id: str
    name: str | None = None
    pictures: frozenset[Kept] = frozenset()
    version: int = 0  # 0: not stored yet
    made_at: int = 0
    share_id: str | None = None
    shared_at: int = 0
    submitted: Mapping[str, int] = field(default_factory=dict)


def check_room(selection: Selection, kept: Kept, quota: int | None, rules: Selections) -> None:
    """Whether one more may be kept. Refuses SELECTION_FULL, and SELECTION_QUOTA past what the
    photographer of its gallery allows (A17)."""
    if kept in selection.pictures:
        return
    if len(selection.pictures) >= rules.pictures:
        raise Refusal(Reason.SELECTION_FULL)
    of_gallery = sum(1 for one in selection.pictures if one.gallery_id == kept.gallery_id)
    if quota is not None and of_gallery >= quota:
        raise Refusal(Reason.SELECTION_QUOTA, facts={"quota": quota})


def galleries_of(pictures: Iterable[Kept]) -> list[str]:
    return sorted({kept.gallery_id for kept in pictures})
