"""Organizations are a tree: `root` at the top, `default` for who names none (H23, H24)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from foyer.rules.roles import DEFAULT, ROOT

DEEPEST = 8  # levels, the root's included


class Approval(StrEnum):
    REQUIRED = "required"
    NOT_REQUIRED = "not_required"
    INHERIT = "inherit"


@dataclass(frozen=True)
class Organization:
    """`path` is of ids, from the root down to its own. An organization never moves."""

    id: str
    name: str
    path: tuple[str, ...]
    approval: Approval

    @property
    def parent_id(self) -> str | None:
        return self.path[-2] if len(self.path) > 1 else None


def needs_approval(line: Sequence[Organization]) -> bool:
    """Whether who registers under the first of these waits for its staff: its own setting, or that
    of the nearest ancestor that has one (H16). Where nobody decided, nobody is asked."""
    for organization in line:
        if organization.approval is not Approval.INHERIT:
            return organization.approval is Approval.REQUIRED
    return False


def new(id_: str, name: str, parent: Organization | None, approval: Approval) -> Organization:
    return Organization(id_, name, (*(parent.path if parent else ()), id_), approval)


DEFAULT_PATH = (ROOT, DEFAULT)
