"""Facts about classes of a user's own, kept with the runs that they train.

With them a study is read for its tables and figures without importing a class: its options and their defaults, its
revision, the metrics of a measure, the sizes and files of a problem. What was recorded is data; nothing in it is
evaluated.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fairgrid.experiments.config.catalogue import Option

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Stated:
    """One component as runs were trained with it.

    Attributes:
        options: in canonical form.
        samples: the numbers of training, validation and test samples; empty unless it is a problem.
        contents: for every option that names files, a hash of their contents.
    """

    options: Mapping[str, Any]
    samples: Mapping[str, int] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)


@dataclass
class ClassFacts:
    """What is known of a class without importing it.

    Attributes:
        options: its options by name; types are not recorded.
        revision: see `catalogue.revision_of_class`.
        metrics: the names of the metrics that it gives, if it is a measure.
        directions: whether less or more of them is better, by name; of all others under "".
        stated: the components of this class that runs were trained with.
    """

    options: dict[str, Option]
    revision: int
    metrics: tuple[str, ...]
    directions: Mapping[str, str]
    stated: list[Stated] = field(default_factory=list)

    def of(self, options: Mapping[str, Any]) -> Stated:
        """The component of these options, in the spelling that was recorded: 1.0 where the study says 1.

        Options of which nothing is recorded are taken as they are written, without those at their default.
        """
        effective = self._effective(options)
        for component in self.stated:
            if _same(self._effective(component.options), effective):
                return component
        defaults = self._effective({})
        return Stated({name: options[name] for name in sorted(options) if not _same(options[name], defaults[name])})

    def _effective(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {name: option.default for name, option in self.options.items()} | dict(options)


# by the noun of a kind and the dotted path
FactsByClass = Mapping[tuple[str, str], ClassFacts]


def gathered(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], ClassFacts]:
    """Facts by class, from rows as `Component.facts` writes them.

    Raises:
        LookupError, TypeError, ValueError: a row is not one that fairgrid writes.
    """
    facts: dict[tuple[str, str], ClassFacts] = {}
    for row in rows:
        options = {
            name: Option(name, Any, option.get("default"), "default" not in option, bool(option.get("stackable")))
            for name, option in row["options"].items()
        }
        of_class = facts.setdefault(
            (row["kind"], row["name"]),
            ClassFacts(options, int(row["revision"]), tuple(row["metrics"]), dict(row["directions"])),
        )
        stated = Stated(dict(row["stated"]), dict(row.get("samples", {})), dict(row.get("contents", {})))
        if stated not in of_class.stated:
            of_class.stated.append(stated)
    return facts


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other
    return type(one) is type(other) and bool(one == other)
