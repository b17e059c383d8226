"""Shapes that more than one function's answers share."""

from typing import Annotated

from pydantic import BaseModel, Field

# Longer than any id of ours, short enough for a key of the table.
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class Money(BaseModel):
    """An amount in minor units of its currency, tax included."""

    amount: int
    currency: str
