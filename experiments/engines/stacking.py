"""Which runs may train in one stack of replicas."""

from fairgrid.experiments.config import components as parts
from fairgrid.experiments.config.identity import canonical_json
from fairgrid.experiments.config.registry import OPTIMIZER
from fairgrid.experiments.config.run import Config, Settings


def stack_key(config: Config) -> str:
    """Equal for configurations that may train in one stack."""
    settings = Settings(**config)
    if settings.engine == "pytorch":
        return canonical_json(config)
    name, options = parts.split(settings.optimizer)
    maker = parts.maker(OPTIMIZER, name, "optimizer")
    varying = parts.stackable(OPTIMIZER, name)
    fixed = {
        key: options.get(key, parameter.default)
        for key, parameter in parts.parameters(OPTIMIZER, maker).items()
        if key not in varying
    }
    common = {key: value for key, value in config.items() if key not in ("optimizer", "initializer")}
    return canonical_json({**common, "optimizer": [parts.class_path(maker), fixed]})
