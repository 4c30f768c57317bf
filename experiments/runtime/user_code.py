"""Code of a user's own: how a dotted path is found, which files it consists of, and how they are loaded.

One rule everywhere: a module is a file beside the study, then one in the working directory, then one on the search path
of this process, then an installed module. What a file of a user's imports is found by the same rule, from its syntax
tree, so that every process finds the same files. Files are read once, hashed, and loaded from what was read, under a
private name that contains the hash: two studies may each have a `mine.py`, a file that changes later changes nothing
that is loaded, and nothing beside a study is taken for an installed module by anything but the user's own code.

A module is executed once in a process, which trains many chunks. So what executing it does to the process is put back
at once: else the first chunk alone would train under it.
"""

import ast
import builtins
import functools
import hashlib
import importlib
import importlib.machinery
import importlib.util
import site
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from fairgrid import aliases
from fairgrid.experiments.runtime.process_state import contained

_PRIVATE = "_fairgrid_"  # begins the names of packages that files of a user's are loaded in
_HOME = Path(__file__).resolve().parents[2]
_OWN = tuple({_HOME / "experiments", _HOME / "framework", Path(aliases.__file__).resolve().parent})


@dataclass(frozen=True)
class SourceFile:
    """A file of a user's own, as it was when it was read.

    Attributes:
        name: the module's name, dotted.
        path: of the file.
        source: its bytes.
        is_package: whether it is a package's `__init__.py`.
    """

    name: str
    path: str
    source: bytes = field(repr=False)
    is_package: bool = False

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the file's bytes."""
        return hashlib.sha256(self.source).hexdigest()

    @functools.cached_property
    def tree(self) -> ast.Module | None:
        """The syntax tree; None of what cannot be parsed, which says so when it is loaded."""
        try:
            return ast.parse(self.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None

    @property
    def does_nothing(self) -> bool:
        """Whether there is no statement in it beyond a docstring."""
        body = [] if self.tree is None else self.tree.body
        only_docstring = len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
        return self.tree is not None and (not body or only_docstring)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class UserCode:
    """A module of a user's own, with every file of theirs that it imports.

    Attributes:
        entry: the module's file.
        helpers: all other files, sorted by name.
        namespaces: folders without an `__init__.py` on the way to them, as names.
        shadowing: names of installed or standard modules in whose place files of the user's are taken.
        computed: imports whose names are computed, as "FILE, line N"; empty where files were declared.
    """

    entry: SourceFile
    helpers: tuple[SourceFile, ...] = ()
    namespaces: tuple[str, ...] = ()
    shadowing: tuple[str, ...] = ()
    computed: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the file that the dotted path names."""
        return self.entry.digest

    @property
    def helper_digests(self) -> dict[str, str]:
        """By name, SHA-256 of every helper that does something."""
        return {file.name: file.digest for file in self.helpers if not file.does_nothing}

    @functools.cached_property
    def content(self) -> str:
        """Sixteen hexadecimal digits for all files."""
        files = repr([(file.name, file.digest) for file in (self.entry, *self.helpers)])
        return hashlib.sha256(files.encode()).hexdigest()[:16]

    @property
    def package(self) -> str:
        """The private package that the files are loaded in."""
        return f"{_PRIVATE}{self.content}"

    def changed_files(self) -> list[str]:
        """The files whose content is no longer what was read."""
        return [file.path for file in (self.entry, *self.helpers) if _file_digest(file.path, "") != file.digest]

    def load(self) -> ModuleType:
        """The module, executed once for this content of its files.

        Raises:
            ImportError: it imports a file that is found through a search path which it has changed itself.
        """
        entry = f"{self.package}.{self.entry.name}"
        if entry in sys.modules:
            return sys.modules[entry]
        if self.package not in _packages:
            package = ModuleType(self.package)
            package.__path__ = []
            sys.modules[self.package] = package
            _packages[self.package] = self
            _searched[self.package] = {Path(place).resolve() for place in sys.path}
        if not any(isinstance(finder, _Private) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Private())
        with contained(), _named_as_written(self.package):
            return importlib.import_module(entry)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class InstalledModule:
    """A module that is installed, or fairgrid's own.

    Attributes:
        name: dotted.
        path: of its file; empty if it has none.
        digest: SHA-256 of the file; empty for fairgrid's own, which RECORD_VERSION stands for.
    """

    name: str
    path: str = ""
    digest: str = ""

    @property
    def content(self) -> str:
        """The name, and what tells contents of the file apart."""
        return f"{self.name} {self.digest}"

    @property
    def shadowing(self) -> tuple[str, ...]:
        """None: it is what its name says."""
        return ()

    @property
    def helper_digests(self) -> dict[str, str]:
        """None: what an installed module imports is not looked at."""
        return {}

    def changed_files(self) -> list[str]:
        """Its file, if the content is no longer what was found."""
        return [self.path] if self.digest and _file_digest(self.path, "") != self.digest else []

    def load(self) -> ModuleType:
        """The module.

        Raises:
            ImportError: its file is not what it was when it was found.
        """
        if self.digest and _file_digest(self.path) != self.digest:
            raise ImportError(f"{self.path} was changed after the run was planned")
        stale = self.digest and _imported.setdefault(self.name, self.digest) != self.digest
        if self.name in sys.modules and not stale:
            return sys.modules[self.name]
        with contained():
            module = importlib.import_module(self.name)
            if stale:  # a session that is older than the file
                _imported[self.name] = self.digest
                module = importlib.reload(module)
        return module


def is_users_frame(names: Mapping[str, Any]) -> bool:
    """Whether code with these global names is a file of a user's."""
    return str(names.get("__name__", "")).startswith(_PRIVATE)


def is_installed_file(path: Path) -> bool:
    """Whether a file is installed, of the standard library, or fairgrid's own."""
    return _of_fairgrid(path) or any(_installed(folder) for folder in path.resolve().parents)


Module = UserCode | InstalledModule
_packages: dict[str, UserCode] = {}
_searched: dict[str, set[Path]] = {}  # the search path before a private package was executed
_imported: dict[str, str] = {}


def fairgrids_name(module: str) -> str:
    """The full name of a module of fairgrid's own that may be written short: fairgrid.framework for framework."""
    head = module.partition(".")[0]
    return aliases.full_name(module) if head in aliases.NAMES and not _of_another(head) else module


class Finder:
    """Finds modules by the rule above, each once.

    Args:
        folder: the folder of the study.
        declared: files that code imports under names that it computes, as patterns from the folder.
        facts: what is known of classes without importing them, by who reads it; with it, no module is executed.
    """

    def __init__(self, folder: Path, declared: Sequence[str] = (), facts: Mapping[Any, Any] | None = None) -> None:
        self.folder = folder
        self.facts = facts
        self.patterns = tuple(declared)
        self.parsed: dict[str, Any] = {}  # what was parsed with its modules, kept by who did
        self._modules: dict[str, Module] = {}
        self._files: dict[Path, SourceFile] = {}
        self._declaring: dict[tuple[str, ...], Finder] = {}

    @functools.cached_property
    def roots(self) -> list[Path]:
        """The folders that files of a user's are looked for in, in order."""
        here = Path.cwd()
        searched = [Path(entry) if entry else here for entry in sys.path]
        places = [self.folder.absolute(), here, *(place for place in searched if place.is_dir())]
        return [place for place in dict.fromkeys(places) if not _installed(place)]

    def find(self, name: str) -> Module:
        """A module.

        Args:
            name: dotted.

        Raises:
            ModuleNotFoundError: there is none.
        """
        if name not in self._modules:
            self._modules[name] = self._found(name)
        return self._modules[name]

    def find_unexecuted(self, name: str) -> Module:
        """A module whose packages are not executed to find it; one that is not there has no content."""
        if name not in self._modules:
            located = self._located(name)
            own = bool(located) and located[-1][0] == name
            self._modules[name] = self._with_helpers(name) if own else _installed_unexecuted(fairgrids_name(name))
        return self._modules[name]

    def declaring(self, patterns: Sequence[str]) -> "Finder":
        """The finder of code that declares files; the same for the same patterns."""
        key = tuple(patterns)
        if key == self.patterns:
            return self
        if key not in self._declaring:
            self._declaring[key] = Finder(self.folder, key, self.facts)
        return self._declaring[key]

    def declared_files(self) -> dict[str, tuple[str, str]]:
        """By path from the study's folder or the working directory, where every declared file is, and its SHA-256.

        Raises:
            FileNotFoundError: a pattern names no file.
        """
        return {name: (str(path), _file_digest(str(path))) for name, path in self._declared().items()}

    def full_name(self, name: str) -> str:
        """The name of a module, in full where it is short for one of fairgrid's own."""
        return name if self._located(name) else fairgrids_name(name)

    def _found(self, name: str) -> Module:
        located = self._located(name)
        if located and located[-1][0] == name:
            return self._with_helpers(name)
        name = fairgrids_name(name)
        return InstalledModule(name) if name.partition(".")[0] == "fairgrid" else _found_installed(name)

    def _with_helpers(self, entry: str) -> UserCode:
        files: dict[str, SourceFile] = {}
        namespaces: set[str] = set()
        computed: list[str] = []
        waiting = [entry, *(_module_name(path) for path in self._declared() if path.endswith(".py"))]
        while waiting:
            for name, path, is_package in self._located(waiting.pop()):
                if path is None:
                    namespaces.add(name)
                elif name not in files:
                    file = files[name] = self._read(name, path, is_package)
                    for imported, line in _imports(file):
                        if imported is None:
                            computed.append(f"{path}, line {line}")
                        else:
                            waiting.append(imported)
        helpers = tuple(files[name] for name in sorted(files) if name != entry)
        heads = sorted({name.partition(".")[0] for name in files})
        return UserCode(
            files[entry],
            helpers,
            tuple(sorted(namespaces)),
            tuple(head for head in heads if _is_installed(head)),
            () if self.patterns else tuple(computed),
        )

    def _read(self, name: str, path: Path, is_package: bool) -> SourceFile:
        if path not in self._files:
            self._files[path] = SourceFile(name, str(path), path.read_bytes(), is_package)
        return self._files[path]

    def _located(self, name: str) -> list[tuple[str, Path | None, bool]]:
        """A user's modules on the way to a name: each name, its file (None for a folder), whether it is a package.

        The last is that of the name itself, or the last that there is. Empty where the first is not a user's.
        """
        return next((located for root in self.roots if (located := _located_in(root, name.split(".")))), [])

    def _declared(self) -> dict[str, Path]:
        files_by_name: dict[str, Path] = {}
        for pattern in self.patterns:
            places = [(folder, path) for folder in (self.folder, Path.cwd()) for path in sorted(folder.glob(pattern))]
            files = [(folder, path) for folder, path in places if path.is_file()]
            if not files:
                raise FileNotFoundError(pattern)
            for folder, path in files:
                files_by_name.setdefault(path.relative_to(folder).as_posix(), path)
        return files_by_name


def _located_in(root: Path, parts: Sequence[str]) -> list[tuple[str, Path | None, bool]]:
    located: list[tuple[str, Path | None, bool]] = []
    folder = root
    for number, part in enumerate(parts):
        name = ".".join(parts[: number + 1])
        package, module = folder / part / "__init__.py", folder / f"{part}.py"
        path = package if package.is_file() else module if module.is_file() else None
        if path is None and not (folder / part).is_dir():
            break
        if path is not None and _of_fairgrid(path):
            return []
        located.append((name, path, path == package))
        if path == module:
            break
        folder = folder / part
    while located and located[-1][1] is None:  # a folder counts on the way to a file alone
        located.pop()
    return located


def _imports(file: SourceFile) -> Iterator[tuple[str | None, int]]:
    """Every absolute name that a file imports, or may, with its line; None for a name that is computed."""
    package = file.name if file.is_package else file.name.rpartition(".")[0]
    for node in ast.walk(file.tree) if file.tree is not None else ():
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute("." * node.level + (node.module or ""), package)
            if base is not None:
                yield base, node.lineno
                yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names if alias.name != "*")
        elif isinstance(node, ast.Call) and _imports_by_name(node.func):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                name = _absolute(first.value, package)
                if name is not None:
                    yield name, node.lineno
            else:
                yield None, node.lineno


def _imports_by_name(function: ast.expr) -> bool:
    name = (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )
    return name in ("__import__", "import_module", "run_path", "run_module", "spec_from_file_location")


def _absolute(name: str, package: str) -> str | None:
    if not name.startswith("."):
        return name
    try:
        return importlib.util.resolve_name(name, package)
    except ImportError:
        return None


def _module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _of_another(head: str) -> bool:
    """Whether a top-level name that is short for one of fairgrid's is that of another installed package."""
    spec = importlib.machinery.PathFinder.find_spec(head)
    return spec is not None and spec.origin is not None and not _of_fairgrid(Path(spec.origin))


def _found_installed(name: str) -> InstalledModule:
    """An installed module; its packages are imported to find it."""
    try:
        spec = importlib.util.find_spec(name)
    except (AttributeError, ValueError) as error:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name) from error
    if spec is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    path = spec.origin if spec.has_location and spec.origin else ""
    return InstalledModule(name, path, _file_digest(path) if path else "")


def _installed_unexecuted(name: str) -> InstalledModule:
    """An installed module, found without importing its packages."""
    if name.partition(".")[0] == "fairgrid":
        return InstalledModule(name)
    spec, places = None, None
    parts = name.split(".")
    for number in range(len(parts)):
        path = ".".join(parts[: number + 1])
        finders = (finder for finder in sys.meta_path if not isinstance(finder, _Private))
        spec = next((spec for finder in finders if (spec := finder.find_spec(path, places)) is not None), None)
        if spec is None:
            return InstalledModule(name)
        places = spec.submodule_search_locations
    file = spec.origin if spec is not None and spec.has_location and spec.origin else ""
    return InstalledModule(name, file, _file_digest(file) if file else "")


def _file_digest(path: str, missing: str | None = None) -> str:
    """SHA-256 of a file; `missing`, if it is given, where the file cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        if missing is None:
            raise
        return missing


def _of_fairgrid(path: Path) -> bool:
    return any(path.resolve().is_relative_to(home) for home in _OWN)


@functools.cache
def _installed(place: Path) -> bool:
    """Whether a folder of the search path is where packages or the standard library are installed."""
    paths = sysconfig.get_paths()
    homes = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    homes |= {*site.getsitepackages(), site.getusersitepackages(), f"{paths['stdlib']}/lib-dynload"}
    resolved = place.resolve()
    within = {"site-packages", "dist-packages"} & set(resolved.parts)
    return bool(within) or resolved in {Path(home).resolve() for home in homes} or resolved.suffix == ".zip"


@functools.cache
def _is_installed(head: str) -> bool:
    """Whether an installed or standard module has this name."""
    installed = [entry for entry in sys.path if entry and _installed(Path(entry))]
    return head in sys.stdlib_module_names or importlib.machinery.PathFinder.find_spec(head, installed) is not None


class _Private(MetaPathFinder):
    """Finds the files of a user's in their private package."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        code = _packages.get(package)
        if code is None or not name:
            return None
        if name in code.namespaces:
            spec = ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = []
            return spec
        for file in (code.entry, *code.helpers):
            if file.name == name:
                return ModuleSpec(fullname, _Executed(file, code), origin=file.path, is_package=file.is_package)
        return None


class _Executed(Loader):
    """Executes what was read of a file, whose imports of the user's other files stay within the private package."""

    def __init__(self, file: SourceFile, code: UserCode) -> None:
        self.file, self.code = file, code

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = self.file.path
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": _importer(self.code)}
        exec(compile(self.file.source, self.file.path, "exec", dont_inherit=True), vars(module))


def _importer(code: UserCode) -> Callable[..., ModuleType]:
    """What stands for `__import__` in files of a user's."""
    names = [file.name for file in (code.entry, *code.helpers)]
    heads = {name.partition(".")[0] for name in names}
    done: set[tuple[str, ...]] = set()  # imports that were executed and looked at

    def imported(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        head = name.partition(".")[0]
        whole, whole_head = name, head
        if level == 0 and head in heads:
            whole, whole_head = f"{code.package}.{name}", f"{code.package}.{head}"
        elif level == 0:
            whole, whole_head = fairgrids_name(name), fairgrids_name(head)
        package = str((globals or {}).get("__package__")) if level else ""
        statement = (package, "." * level + whole, *(fromlist or ()))
        if statement in done:
            module = builtins.__import__(whole, globals, locals, fromlist, level)
        else:
            with contained(), _named_as_written(code.package):
                module = builtins.__import__(whole, globals, locals, fromlist, level)
                if level == 0 and whole == name:
                    _refuse_strays(code, [head, name, *(f"{name}.{each}" for each in fromlist or ())])
            done.add(statement)
        if level == 0 and name == "importlib":
            return _importlib(by_name)
        return sys.modules[whole_head] if whole_head != head and not fromlist else module

    def by_name(name: str, package: str | None = None) -> ModuleType:
        if name.startswith("."):
            return importlib.import_module(name, package)
        return imported(name, fromlist=("",))

    return imported


def _refuse_strays(code: UserCode, names: Sequence[str]) -> None:
    """Refuses files that no process would find by the rule: code of the user's has changed the search path for them."""
    added = {Path(place).resolve() for place in sys.path} - _searched[code.package]
    for name in names if added else ():
        file = getattr(sys.modules.get(name), "__file__", None)
        if not file or is_installed_file(Path(file)):
            continue
        path = Path(file).resolve()
        if path.parents[name.count(".") + (path.stem == "__init__")] in added:
            raise ImportError(
                f"expected files of your own beside the study, in the working directory or in PYTHONPATH, found {file}"
                f" by a search path that {code.entry.path} changes, so that a change of it would not be noticed"
            )


def _importlib(import_module: Callable[..., ModuleType]) -> ModuleType:
    """Importlib whose `import_module` finds files of a user's."""
    module = ModuleType("importlib", importlib.__doc__)
    vars(module).update({**vars(importlib), "import_module": import_module})
    return module


@contextmanager
def _named_as_written(package: str) -> Iterator[None]:
    """Takes the private package out of the message about a module that does not exist."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(f"{package}."):
            name = str(error.name).removeprefix(f"{package}.")
            raise ModuleNotFoundError(f"No module named {name!r}", name=name) from None
        raise
