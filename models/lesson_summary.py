"""What a list says of a lesson. Beside the package of lessons, since that imports what computes its truths."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class LessonSummary:
    """What a lesson is about. name: as in links. theme: under which heading. aim: what one will be able to do. cures:
    the common error that it is about. sources: where what it says can be read.
    """

    name: str
    title: str
    theme: str
    minutes: int
    aim: str
    cures: str
    sources: tuple[str, ...]


# What its file says of it beside the steps.
SUMMARY_NAMES = tuple(each.name for each in fields(LessonSummary) if each.name != "name")
