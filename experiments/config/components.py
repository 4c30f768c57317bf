"""Named components of a run: a problem, model, activation, initializer, loss, optimizer, schedule or measure.

A component is written as its name, or as a table of its name and options: "relu", { name = "leaky_relu", alpha = 0.2 }.
The options are the keyword arguments of the class behind the name, with their types and defaults; a name with a colon,
"my_package.module:MyOptimizer", is a class of the user's own and follows the same rules. An optimizer's options of type
HyperParameter may differ between the replicas of one stack.
"""

import functools
import inspect
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import to_jsonable_python

from fairgrid.experiments.config.catalogue import (
    Option,
    metrics_of_measure,
    options_of_class,
    options_of_name,
    revision_of_class,
    revision_of_name,
)
from fairgrid.experiments.config.class_facts import SPLITS, ClassFacts
from fairgrid.experiments.config.messages import first_problem
from fairgrid.experiments.config.registry import KINDS, Kind, imported
from fairgrid.experiments.errors import BadKeyError, InputError, first_line, nearest
from fairgrid.experiments.runtime.process_state import contained
from fairgrid.experiments.runtime.user_code import Finder, Module, UserCode

Spec = str | dict[str, Any]


def split(spec: Spec) -> tuple[str, dict[str, Any]]:
    """The name and the options of a component as written."""
    if isinstance(spec, str):
        return spec, {}
    return str(spec["name"]), {key: value for key, value in spec.items() if key != "name"}


def join(name: str, options: Mapping[str, Any]) -> Spec:
    """A component as written in its shortest form."""
    return {"name": name, **options} if options else name


@dataclass(frozen=True)
class Component:
    """A component of one run, in its canonical form.

    Attributes:
        key: the key of a run that it is the value of, or part of the value.
        name: a known name, or a dotted path with a colon.
        options: JSON values, sorted by name; those at their default are left out.
        module: where a class of the user's own is; None for a known name.
        recorded: what runs say of that class, where the study is read without importing it.
    """

    key: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    module: Module | None = None
    recorded: ClassFacts | None = field(default=None, repr=False, compare=False)

    @property
    def kind(self) -> Kind:
        """What kind of component it is."""
        return KINDS[self.key]

    @property
    def is_own(self) -> bool:
        """Whether it is a class of the user's own."""
        return self.module is not None

    @property
    def spec(self) -> Spec:
        """The component as written in its shortest form."""
        return join(self.name, self.options)

    @property
    def maker(self) -> Callable[..., Any]:
        """The class behind it, or a partial of one.

        Raises:
            Exception: whatever a module of the user's own raises when it is executed; or the study was read without
                importing it.
        """
        if self.module is None:
            return self.kind.names[self.name].maker()
        if self.recorded is not None:
            raise InputError(f"{self.name}: expected a class that may be imported, found a study read for its tables")
        return cast(Callable[..., Any], getattr(self.module.load(), self.name.partition(":")[2]))

    @property
    def class_path(self) -> str:
        """The module and name of the class behind it, whatever presets it has."""
        maker = self.maker
        target = maker.func if isinstance(maker, functools.partial) else maker
        return f"{target.__module__}:{target.__qualname__}"

    @property
    def revision(self) -> int:
        """The revision of the class behind it; see `catalogue.revision_of_class`."""
        if self.module is None:
            return revision_of_name(self.kind, self.name)
        if self.recorded is not None:
            return self.recorded.revision
        return revision_of_class(self.maker)

    @property
    def known_options(self) -> dict[str, Option]:
        """Every option that it may have."""
        if self.module is None:
            return options_of_name(self.kind, self.name)
        if self.recorded is not None:
            return self.recorded.options
        return _options_of_class(self.maker, self.kind.supplied)

    def option(self, name: str) -> Any:
        """An option's value, its default if it is not given, None if there is neither or no such option."""
        if name in self.options:
            return self.options[name]
        stated = self.known_options.get(name)
        return None if stated is None else stated.default

    def with_option(self, name: str, value: Any) -> "Component":
        """The component with another value of an option."""
        options = {key: given for key, given in self.options.items() if key != name}
        if value != self.known_options[name].default:
            options[name] = value
        return replace(self, options={key: options[key] for key in sorted(options)})

    def facts(self) -> dict[str, Any]:
        """What reading a study without importing this class takes, as JSON values."""
        options: dict[str, dict[str, Any]] = {
            name: {"stackable": True} if option.stackable else {} for name, option in self.known_options.items()
        }
        for name, option in self.known_options.items():
            if not option.required:
                options[name]["default"] = to_jsonable_python(option.default, fallback=repr)
        facts: dict[str, Any] = {
            "kind": self.kind.noun,
            "name": self.name,
            "options": options,
            "revision": self.revision,
            "metrics": list(metrics_of(self)) if self.key == "measures" else [],
            "directions": directions_of(self) if self.key == "measures" else {},
            "stated": dict(self.options),
        }
        if self.key == "problem":
            problem = self.build()
            with self._apart():
                facts["samples"] = {split: int(getattr(problem, split)) for split in SPLITS}
                facts["contents"] = problem.contents()
        return facts

    def build(self, *supplied: Any, **replaced: Any) -> Any:
        """The object itself.

        Args:
            supplied: leading arguments, from the harness.
            replaced: arguments in the place of options, by name: one value per replica, say.
        """
        with self._apart():
            return self.maker(*supplied, **{**self.options, **replaced})

    def _apart(self) -> AbstractContextManager[None]:
        """Where its class is called."""
        return contained() if self.is_own else nullcontext()

    def try_out(self, place: str) -> None:
        """Lets the class refuse values.

        Args:
            place: what errors call it.

        Raises:
            BadKeyError: it does.
        """
        values = {key: self.options.get(key, option.default) for key, option in self.known_options.items()}
        try:
            with self._apart():
                self.kind.trial(self.maker, values)
        except (ValueError, TypeError) as error:
            raise BadKeyError(place, str(error)) from error
        except (Exception, SystemExit) as error:
            problem = f"expected a class that can be made, found of {self.name!r}: {first_line(error)}"
            raise BadKeyError(place, problem) from error


def metrics_of(measure: Component) -> tuple[str, ...]:
    """The names of the metrics that a measure gives; empty where its class does not say."""
    if measure.module is None:
        return metrics_of_measure(measure.name)
    if measure.recorded is not None:
        return measure.recorded.metrics
    return tuple(getattr(measure.maker, "gives", ()))


def directions_of(measure: Component) -> dict[str, str]:
    """What a measure states of the directions of its metrics; of all others under ""."""
    if measure.recorded is not None:
        return dict(measure.recorded.directions)
    stated = getattr(measure.maker, "direction", "")
    return {str(name): str(word) for name, word in stated.items()} if isinstance(stated, Mapping) else {"": str(stated)}


def parse(key: str, spec: Spec, place: str, finder: Finder) -> Component:
    """A component from its written form: name and options checked, options at their default left out.

    Args:
        key: a key of a run.
        spec: the value as it is written.
        place: what errors call it.
        finder: where classes of the user's own are looked for.

    Raises:
        BadKeyError: an unknown name or option, a wrong type, a dotted path that does not import, or a class of another
            kind.
    """
    kind = KINDS[key]
    name, options = split(spec)
    if ":" in name:
        component = _own(key, name, place, finder) if finder.facts is None else _recorded(key, name, place, finder)
    elif name in kind.names:
        component = Component(key, name)
    else:
        raise BadKeyError(place, f"expected the name of a known {kind.noun}, found {name!r}{nearest(name, kind.names)}")
    if component.recorded is not None:
        _check_names(kind, name, options, component.known_options, place)
        return replace(component, options=dict(component.recorded.of(options).options))
    try:
        declared = component.known_options
        model = _options_model(component.name, tuple(declared.values()))
    except Exception as error:
        problem = f"expected options of types that a study can state, found of {name!r}: {first_line(error)}"
        raise BadKeyError(place, problem) from error
    _check_names(kind, name, options, declared, place)
    try:
        checked = model.model_validate_json(json.dumps(options))
    except ValidationError as error:
        raise first_problem(error, place) from error
    changed = {each for each in checked.model_fields_set if getattr(checked, each) != declared[each].default}
    values = json.loads(checked.model_dump_json(include=changed))
    return replace(component, options={each: values[each] for each in sorted(changed)})


def _check_names(kind: Kind, name: str, options: Mapping[str, Any], declared: Mapping[str, Option], place: str) -> None:
    for option in options:
        if option not in declared:
            raise BadKeyError(
                f"{place}.{option}",
                f"expected an option of {kind.noun} {name!r}, found {option!r}{nearest(option, declared)}",
            )


def own_class(path: str, place: str, finder: Finder) -> tuple[type, Module, str]:
    """The class that a dotted path names, its module, and the path with fairgrid's own modules named in full.

    Raises:
        BadKeyError: it does not import, names no class, or imports under names that it computes and does not declare.
    """
    module_name, _, class_name = path.partition(":")
    if module_name == "__main__":
        raise BadKeyError(
            place,
            f"expected a class in a file that worker processes can import, found {path!r}, of the script or notebook"
            " itself; put it into a file of its own",
        )
    try:
        module = finder.find(module_name)
        if isinstance(module, UserCode) and module.computed:
            raise BadKeyError(
                place,
                f"expected imports that state a name, found one that computes it ({module.computed[0]});"
                ' sources = ["FILE", …] in [run] declares what it imports',
            )
        namespace = module.load()
    except BadKeyError:
        raise
    except (Exception, SystemExit) as error:
        raise BadKeyError(
            place, f"expected an importable module before the colon, found {path!r} ({first_line(error)})"
        ) from error
    own = getattr(namespace, class_name, None)
    if own is None:
        public = [name for name in vars(namespace) if not name.startswith("_")]
        raise BadKeyError(
            place, f"expected a class of {module_name}, found {class_name!r}{nearest(class_name, public)}"
        )
    return own, module, f"{finder.full_name(module_name)}:{class_name}"


def _own(key: str, path: str, place: str, finder: Finder) -> Component:
    own, module, name = own_class(path, place, finder)
    base = imported(KINDS[key].base)
    if not (inspect.isclass(own) and issubclass(own, base)):
        raise BadKeyError(place, f"expected a subclass of {base.__name__} at {path!r}, found {own!r}")
    return Component(key, name, {}, module)


def _recorded(key: str, path: str, place: str, finder: Finder) -> Component:
    """A component of the user's own, of what runs say of its class; its file is hashed, and not executed."""
    module_name, _, class_name = path.partition(":")
    name = f"{finder.full_name(module_name)}:{class_name}"
    facts = (finder.facts or {}).get((KINDS[key].noun, name))
    if facts is None:
        raise BadKeyError(
            place,
            f"expected a class that the recorded runs describe, as no class is imported here, found {path!r};"
            " `fairgrid run` describes those of its study",
        )
    return Component(key, name, {}, finder.find_unexecuted(module_name), facts)


# a study asks for the same few classes over and over
@functools.lru_cache(maxsize=256)
def _options_of_class(maker: Callable[..., Any], supplied: int) -> dict[str, Option]:
    return options_of_class(maker, supplied)


_models: dict[tuple[str, str], type[BaseModel]] = {}


def _options_model(name: str, options: tuple[Option, ...]) -> type[BaseModel]:
    """What checks the options of a component."""
    key = name, repr(options)
    if key not in _models:
        fields: dict[str, Any] = {
            option.name: (option.annotation, ... if option.required else option.default) for option in options
        }
        config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())
        _models[key] = create_model(f"{name} options", __config__=config, **fields)
    return _models[key]
